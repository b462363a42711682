using Emu.Ir;
using Iced.Intel;
using Block = Emu.Ir.Block;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Baseline;

/// <summary>Guest memory. Its addresses are the host's; the guest's fs is the host's gs.</summary>
public sealed partial class BaselineCompiler
{
    /// <summary>The memory of an access; a register that it needs is <paramref name="scratch"/>.</summary>
    MemoryOperand Guest(Inst i, int scratch = Rdi)
    {
        string? segment = (i.Detail as Detail.Access)?.Segment;
        var prefix = segment == "fs" ? Iced.Intel.Register.GS : Iced.Intel.Register.None;
        if (segment is null or "fs" && i.Args[0] is Const c && (long)(ulong)c.Bits == (int)(ulong)c.Bits)
            return new(Iced.Intel.Register.None, Iced.Intel.Register.None, 1, (int)(ulong)c.Bits, 8, false, prefix);
        int r = InRegister(i.Args[0], scratch);
        if (segment is not (null or "fs"))
        {
            Move(scratch, Operand.Of(r));
            r = scratch;
            code.Add(Instruction.Create(Code.Add_r64_rm64, R64(r), Register(new($"{segment}base"))));
        }
        return new(R64(r), Iced.Intel.Register.None, 1, 0, 0, false, prefix);
    }

    static bool IsAligned(Inst i) => i.Detail is Detail.Access { Aligned: true };

    void LoadGuest(Inst i)
    {
        if (folding?.UserOf(i) is { Op: Op.Host } user) { Host(user, null); return; }
        var from = Guest(i);
        if (Values.IsScalar(i.Type)) { Scalar(i, d => LoadScalar(d, from, i.Type.Bytes)); return; }
        var home = values.Take(i, at);
        Copy(n => Frame(home.Offset + n), n => Beyond(from, n), i.Type.Bytes, alignedLoad: IsAligned(i));
    }

    void StoreGuest(Inst i)
    {
        if (folding?.Stored(i) is { } result) { Host(result, Guest(i)); return; }
        Value v = i.Args[1];
        if (!Values.IsScalar(v.Type))
        {
            int from = Wide(v);
            var to = Guest(i);
            Copy(n => Beyond(to, n), n => Frame(from + n), v.Type.Bytes, alignedStore: IsAligned(i));
        }
        else Store(v, Guest(i));
    }

    /// <summary>Try until nobody came between; the old value is in rax.</summary>
    void Exchange(Inst i)
    {
        var access = (Detail.Access)i.Detail!;
        var place = Guest(i);
        int bits = i.Type.Bits, size = SizeIndex(bits);
        Move(Rdx, Arg(i, 1));
        if (access.Operation is Op.Set or Op.Add or Op.Sub)
        {
            if (access.Operation == Op.Sub) code.Add(Instruction.Create(Code.Neg_rm64, R64(Rdx)));
            var swap = Instruction.Create((access.Operation == Op.Set ? Code.Xchg_rm8_r8 : Code.Xadd_rm8_r8) + size, place, Sized(Rdx, bits));
            swap.HasLockPrefix = true;
            code.Add(swap);
            Move(Rax, Operand.Of(Rdx));
        }
        else
        {
            int again = code.NewLabel();
            LoadScalar(Rax, place, i.Type.Bytes);
            code.Mark(again);
            Move(Rcx, Operand.Of(Rax));
            if (access.Operation == Op.Mul) code.Add(Instruction.Create(Code.Imul_r64_rm64, R64(Rcx), R64(Rdx)));
            else Exact(access.Operation switch { Op.And => Alu.And, Op.Or => Alu.Or, Op.Xor => Alu.Xor, _ => throw NoEncoding(i) }, Rcx, Rdx, 64);
            code.Add(Locked(Instruction.Create(Code.Cmpxchg_rm8_r8 + size, place, Sized(Rcx, bits))));
            code.Jump(Cc.Ne, again);
        }
        Normalised(i, bits);
    }

    static Instruction Locked(Instruction i)
    {
        i.HasLockPrefix = true;
        return i;
    }

    /// <summary>The result is rax, of which so many bits are meant.</summary>
    void Normalised(Inst i, int bits) => Scalar(i, d =>
    {
        Move(d, Operand.Of(Rax));
        if (bits == 32) code.Add(Instruction.Create(Code.Mov_r32_rm32, R32(d), R32(d)));
        else Normalise(d, bits);
    });

    void CompareExchange(Inst i)
    {
        int bits = i.Type.Bits;
        if (bits == 128) { CompareExchangePair(i); return; }
        var place = Guest(i);
        Move(Rax, Arg(i, 1));
        Move(Rdx, Arg(i, 2));
        code.Add(Locked(Instruction.Create(Code.Cmpxchg_rm8_r8 + SizeIndex(bits), place, Sized(Rdx, bits))));
        Normalised(i, bits);
    }

    void CompareExchangePair(Inst i)
    {
        const int rbx = 3;
        int desired = Wide(i.Args[2]);
        LoadPair(i.Args[1]);
        var place = Guest(i);
        LoadScalar(Rcx, Frame(desired + 8), 8);
        Move(Rsi, Operand.Of(rbx)); // the caller's
        LoadScalar(rbx, Frame(desired), 8);
        code.Add(Locked(Instruction.Create(Code.Cmpxchg16b_m128, place)));
        Move(rbx, Operand.Of(Rsi));
        StorePair(i);
    }

    /// <summary>A whole rep movs or rep stos; with DF set (rare) the host's is set around it.</summary>
    void Repeat(string name)
    {
        int size = "bwdq".IndexOf(name[4], StringComparison.Ordinal), down = code.NewLabel(), done = code.NewLabel();
        bool moves = name.StartsWith("movs", StringComparison.Ordinal);
        (string Register, int Host)[] registers = moves ? [("rcx", Rcx), ("rdi", Rdi), ("rsi", Rsi)] : [("rcx", Rcx), ("rdi", Rdi)];
        foreach (var (register, host) in registers) LoadScalar(host, Register(new(register)), 8);
        if (!moves) LoadScalar(Rax, Register(new("rax")), 8);
        var step = new Instruction { Code = (moves ? Code.Movsb_m8_m8 : Code.Stosb_m8_AL) + size, HasRepPrefix = true };
        SetImplied(ref step, moves, size);
        code.Add(Instruction.Create(Code.Cmp_rm8_imm8, Register(new("df")), 0));
        code.Jump(Cc.Ne, down);
        code.Add(step);
        code.Mark(done);
        foreach (var (register, host) in registers) StoreScalar(Register(new(register)), host, 8);
        ulong here = pc;
        later.Enqueue(() =>
        {
            code.Mark(down);
            pc = here;
            Row();
            code.Add(Instruction.Create(Code.Std));
            code.Add(step);
            code.Add(Instruction.Create(Code.Cld));
            code.Jump(done);
        });
    }

    static void SetImplied(ref Instruction i, bool moves, int size)
    {
        i.Op0Kind = OpKind.MemoryESRDI;
        if (moves) i.Op1Kind = OpKind.MemorySegRSI;
        else (i.Op1Kind, i.Op1Register) = (OpKind.Register, size switch { 0 => Iced.Intel.Register.AL, 1 => Iced.Intel.Register.AX, 2 => Iced.Intel.Register.EAX, _ => Iced.Intel.Register.RAX });
    }
}
