using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// How a jump computes its target from a table: Constant + Scale * entry, the entry being Size bytes (sign-extended or not) at
/// Table + Stride * index. With Size 0 there is no table and the entry is the index itself (pieces of code of equal length).
/// </summary>
internal readonly record struct TableShape(
    ulong Constant, ulong Scale, bool IsSigned, int Size, ulong Table, ulong Stride, ulong LoadAddress, Register Index)
{
    public ulong PlaceOf(ulong index) => Table + Stride * index;

    public ulong TargetOf(ulong entry) => Constant + Scale * entry;

    public ulong TargetOf(ReadOnlySpan<byte> entry)
    {
        ulong value = 0;
        for (var b = Size - 1; b >= 0; b--) value = value << 8 | entry[b];
        if (IsSigned) value = (ulong)((long)(value << (64 - Size * 8)) >> (64 - Size * 8));
        return TargetOf(value);
    }
}

/// <summary>Recognises a table jump in the symbolic value of its target.</summary>
/// <param name="run">The path that leads to the jump.</param>
/// <param name="constantOf">What a register surely holds when the path starts, null when unknown.</param>
internal sealed class TableMatcher(PathRun run, Func<Register, ulong?> constantOf)
{
    Values Values => run.Values;

    /// <summary>The shape and the index as a value, or why there is none.</summary>
    public (TableShape Shape, Linear Index)? Match(Linear target, out string why)
    {
        target = Resolve(target);
        why = "computed target";
        if (EntryTerm(target) is not { } term) return CodePieces(target);
        var rest = target.Without(term);
        if (!rest.IsConstant) return Fail("table base unknown", out why);
        var isSigned = false;
        var load = term;
        while (Values[load] is { Kind: AtomKind.Zext or AtomKind.Sext } extension)
        {
            isSigned |= extension.Kind == AtomKind.Sext;
            load = extension.Inner.Atom1;
        }
        var size = (int)Values[load].Parameter;
        var address = Resolve(Values[load].Inner);
        why = address.IsConstant ? "through a pointer in memory" : "through a pointer";
        if (IndexOf(load, address, size) is not { } index) return null;
        if (!index.Remainder.IsConstant) return Fail("table base unknown", out why);
        var access = run.Accesses[load];
        return (new(rest.Constant, target.ScaleOf(term), isSigned, size, index.Remainder.Constant, index.Stride, access.Instruction.IP, index.Register), index.Value);
    }

    /// <summary>Hand-written copy loops jump to Constant + Scale * index, code pieces of Scale bytes.</summary>
    (TableShape, Linear)? CodePieces(Linear target)
    {
        const ulong shortest = 8, longest = 256;
        if (target is { Atom2: 0, Scale1: 1 } && Values[target.Atom1] is { Kind: AtomKind.Zext, Inner.Atom2: 0 } extension)
            target = extension.Inner.Plus(target.Constant);
        if (target.Atom2 != 0 || target.Scale1 is < shortest or > longest || !run.IsCode(target.Constant)) return null;
        return (new(target.Constant, target.Scale1, IsSigned: false, 0, 0, 0, 0, Register.None), new(0, target.Atom1, 1));
    }

    static (TableShape, Linear)? Fail(string reason, out string why)
    {
        why = reason;
        return null;
    }

    /// <summary>The atom of a sum that is a (perhaps extended) load.</summary>
    int? EntryTerm(Linear target)
    {
        foreach (var atom in (int[])[target.Atom1, target.Atom2])
        {
            var inner = atom;
            while (inner != 0 && Values[inner] is { Kind: AtomKind.Zext or AtomKind.Sext, Inner.IsAtom: true } extension) inner = extension.Inner.Atom1;
            if (inner != 0 && Values[inner].Kind == AtomKind.Load) return atom;
        }
        return null;
    }

    /// <summary>Splits a table's address into index and rest; the index register of the operand is best, it needs no search at run time.</summary>
    (Linear Value, ulong Stride, Linear Remainder, Register Register)? IndexOf(int load, Linear address, int size)
    {
        if (address.IsConstant) return null;
        var access = run.Accesses[load];
        var i = access.Instruction;
        (Register Register, Linear Value, int Scale)[] operands = [(i.MemoryIndex, access.Index, i.MemoryIndexScale), (i.MemoryBase, access.Base, 1)];
        foreach (var (register, value, scale) in operands)
            if (register.IsGPR64() && scale >= size && !Resolve(value).IsConstant && Minus(address, value.Times((ulong)scale)) is { IsConstant: true } rest)
                return (value, (ulong)scale, rest, register);
        foreach (var atom in (int[])[address.Atom1, address.Atom2])
            if (atom != 0 && address.ScaleOf(atom) is var stride && stride >= (ulong)size && stride <= 16 && (stride > 1 || size == 1))
                return (new(0, atom, 1), stride, address.Without(atom), Register.None);
        return null;
    }

    static Linear? Minus(Linear a, Linear b) => a.Plus(b.Times(ulong.MaxValue));

    /// <summary>Replaces initial registers that are known constants (table bases hoisted out of loops).</summary>
    Linear Resolve(Linear value)
    {
        foreach (var atom in value.Constant == 0 && value.IsAtom ? [] : (int[])[value.Atom1, value.Atom2])
            if (atom != 0 && value.ScaleOf(atom) == 1 && Values[atom] is { Kind: AtomKind.Initial } initial && constantOf((Register)initial.Parameter) is { } constant)
                value = value.Without(atom).Plus(constant);
        return value;
    }
}
