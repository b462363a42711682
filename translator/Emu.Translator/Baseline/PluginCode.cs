using Emu.Ir;
using Iced.Intel;

namespace Emu.Translator.Baseline;

/// <summary>What passes inserted: counts and records. Calls of probes are left to LLVM, which has them as bitcode.</summary>
public sealed partial class BaselineCompiler
{
    void PluginOperation(Inst i)
    {
        bool guarded = i.Detail is Detail.Cell { Guarded: true } or Detail.Symbol { Guarded: true };
        int done = code.NewLabel();
        if (guarded)
        {
            Move(Rax, Arg(i, 0));
            code.Add(Instruction.Create(Code.Test_rm32_r32, R32(Rax), R32(Rax)));
            code.Jump(Cc.E, done);
        }
        if (i.Detail is Detail.Cell c) Count(c);
        else if (i.Op == Op.Append) Append(((Detail.Symbol)i.Detail!).Name, i.Args.AsSpan(guarded ? 1 : 0));
        else throw NoEncoding(i);
        code.Mark(done);
    }

    void Count(Detail.Cell c)
    {
        var key = (plugins.Arrays[c.Array], c.Key);
        int n = cells.IndexOf(key);
        if (n < 0)
        {
            n = cells.Count;
            cells.Add(key);
        }
        var add = Instruction.Create(Code.Add_rm64_imm32, Absolute(8 * n), checked((int)c.Amount));
        add.HasLockPrefix = true; // threads and processes share the cells of code that is met at run time
        code.Add(add, "emu_cells");
    }

    /// <summary>Bump-stores a record; a full buffer is replaced on the way.</summary>
    void Append(string stream, ReadOnlySpan<Value> words)
    {
        int n = plugins.Streams[stream], buffer = GuestState.Streams + 16 * n, size = 0, room = code.NewLabel();
        foreach (var w in words) size += w.Type.Bytes;
        LoadScalar(Rdi, State(buffer), 8);
        code.Add(Instruction.Create(Code.Lea_r64_m, R64(Rcx), new MemoryOperand(Iced.Intel.Register.RDI, size, size < 128 ? 1 : 8)));
        code.Add(Instruction.Create(Code.Cmp_r64_rm64, R64(Rcx), State(buffer + 8)));
        code.Jump(Cc.Be, room);
        Constant(Rdi, (ulong)n);
        code.Call("emu_stream_full"); // keeps all other registers
        LoadScalar(Rdi, State(buffer), 8);
        code.Mark(room);
        int offset = 0;
        foreach (var w in words)
        {
            Store(w, Beyond(new(Iced.Intel.Register.RDI), offset));
            offset += w.Type.Bytes;
        }
        code.Add(Instruction.Create(size < 128 ? Code.Add_rm64_imm8 : Code.Add_rm64_imm32, State(buffer), size));
    }
}
