using Emu.Ir;
using Emu.Translator.Lowering;
using Iced.Intel;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Baseline;

/// <summary>Instructions of the host, from the same table of texts as LLVM's (<see cref="Natives"/>), with operands where its constraints want them.</summary>
public sealed partial class BaselineCompiler
{
    Folding? folding;

    void HostInstruction(Inst i)
    {
        if (folding is { } && i.Op == Op.Host)
        {
            if (folding.IsStored(i) || folding.IsMade(i)) return;
            var store = block.Code.Find(s => s.Op == Op.Store && s.Args[1] == i);
            if (store != null && Folding.AsmOf(i).Operands is ["=*m", ..]) { StoreLater(i, store); return; }
        }
        Host(i, null);
    }

    /// <summary>A pass wants the value. A store that faults must leave the x87 alone: so see first that it does not. An exception that is not masked may leave the operand as it is.</summary>
    void StoreLater(Inst i, Inst store)
    {
        var place = Guest(store);
        foreach (int n in new[] { 0, i.Type.Bytes - 1 }) code.Add(Locked(Instruction.Create(Code.Or_rm8_imm8, Beyond(place, n), 0)));
        int made = values.Temporary(Math.Max(8, i.Type.Bytes));
        Copy(n => Frame(made + n), n => Beyond(place, n), i.Type.Bytes);
        Host(i, Frame(made));
        Load(i, Frame(made));
    }

    /// <summary>Where each number of the text is: a register, or memory.</summary>
    sealed record Hole(int Register, IrType Type, bool IsVector, MemoryOperand? Memory = null);

    /// <param name="destination">Where a result that the instruction stores goes.</param>
    void Host(Inst i, MemoryOperand? destination)
    {
        var asm = Folding.AsmOf(i);
        if (HostText.Lines(asm.Template) is not { } text) throw NoEncoding(i);
        string[] constraints = asm.Operands;
        int first = asm.HasResult ? 1 : 0;
        var free = new Queue<int>(new[] { Rax, Rcx, Rdx, Rsi }.Where(r => !asm.Constraints.Contains($"{{{Wide64(r)}}}", StringComparison.Ordinal) && !Fixed(constraints).Contains(r)));
        var freeVectors = new Queue<int>(Enumerable.Range(0, 16).Except(Fixed(constraints, vectors: true)));
        var holes = new Hole[constraints.Length];
        if (asm.HasResult && destination is { } place) holes[0] = new(-1, i.Type, false, place);
        else if (asm.HasResult) holes[0] = Place(constraints[0].TrimStart('='), i.Type, free, freeVectors);
        int tied = Array.IndexOf(constraints, "0");
        for (int n = first; n < constraints.Length; n++)
        {
            Value v = i.Args[n - first];
            holes[n] = n == tied ? holes[0] with { Type = v.Type } : constraints[n] == "*m" ? new(-1, v.Type, false, InMemory(v)) : Place(constraints[n], v.Type, free, freeVectors);
            if (holes[n].Memory is null) Fill(holes[n], v);
        }
        foreach (var line in text)
            if (!HostText.Write(line, code, n => Name(holes[n]), n => holes[n].Memory)) throw NoEncoding(i);
        if (asm.HasResult && destination is null) Take(i, holes[0]);
    }

    static string Wide64(int r) => R64(r).ToString().ToLowerInvariant();

    static Hole Place(string constraint, IrType type, Queue<int> free, Queue<int> vectors) =>
        constraint[0] == '{' ? FixedHole(constraint[1..^1], type)
        : constraint == "x" ? new(vectors.Dequeue(), type, true)
        : free.TryDequeue(out int r) ? new(r, type, false) : throw new NoEncodingException("too many operands");

    static IEnumerable<int> Fixed(string[] constraints, bool vectors = false) =>
        constraints.Where(c => c.Contains('{', StringComparison.Ordinal)).Select(c => FixedHole(c.TrimStart('=')[1..^1], IrType.I64)).Where(h => h.IsVector == vectors).Select(h => h.Register);

    static Hole FixedHole(string name, IrType type) =>
        name.StartsWith("xmm", StringComparison.Ordinal) ? new(name[3] - '0', type, true) : new(Enum.Parse<Register>(name, ignoreCase: true).GetNumber(), type, false);

    static Register Name(Hole h) => h.IsVector ? Vector(h.Register, h.Type.Bytes) : HostText.Sized(h.Register, h.Type);

    /// <summary>An operand in memory: the guest's where a load is left to its user, else a copy.</summary>
    MemoryOperand InMemory(Value v)
    {
        if (v is Inst load && folding?.UserOf(load) is { Op: Op.Host }) return Guest(load);
        int copy = values.Temporary(Math.Max(8, v.Type.Bytes));
        Store(v, Frame(copy));
        return Frame(copy);
    }

    void Fill(Hole h, Value v)
    {
        if (!h.IsVector) { Move(h.Register, Arg(v)); return; }
        if (Values.IsScalar(v.Type))
        {
            int r = InRegister(v, Rdi);
            code.Add(v.Type.Bytes > 4 ? Instruction.Create(Code.VEX_Vmovq_xmm_rm64, Vector(h.Register, 16), R64(r)) : Instruction.Create(Code.VEX_Vmovd_xmm_rm32, Vector(h.Register, 16), R32(r)));
        }
        else if (v.Type.Bytes < 16) code.Add(Instruction.Create(Code.VEX_Vmovq_xmm_xmmm64, Vector(h.Register, 16), Frame(Wide(v))));
        else VectorLoad(v.Type.Bytes, h.Register, Frame(Wide(v)));
    }

    void Take(Inst i, Hole h)
    {
        if (Values.IsScalar(i.Type))
            Scalar(i, d =>
            {
                if (h.IsVector) code.Add(i.Type.Bytes > 4 ? Instruction.Create(Code.VEX_Vmovq_rm64_xmm, R64(d), Vector(h.Register, 16)) : Instruction.Create(Code.VEX_Vmovd_rm32_xmm, R32(d), Vector(h.Register, 16)));
                else
                {
                    Move(d, Operand.Of(h.Register));
                    if (i.Type.Bits == 32) code.Add(Instruction.Create(Code.Mov_r32_rm32, R32(d), R32(d)));
                    else Normalise(d, i.Type.Bits);
                }
            });
        else
        {
            var home = values.Take(i, at);
            if (!h.IsVector) throw NoEncoding(i);
            if (i.Type.Bytes < 16) code.Add(Instruction.Create(Code.VEX_Vmovq_xmmm64_xmm, Frame(home.Offset), Vector(h.Register, 16)));
            else VectorStore(i.Type.Bytes, Frame(home.Offset), h.Register);
        }
    }
}
