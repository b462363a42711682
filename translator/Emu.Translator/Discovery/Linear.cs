namespace Emu.Translator.Discovery;

/// <summary>The value Constant + Scale1 * Atom1 + Scale2 * Atom2 modulo 2^64; atom 0 means no term, terms are ordered by atom.</summary>
internal readonly record struct Linear(ulong Constant, int Atom1 = 0, ulong Scale1 = 0, int Atom2 = 0, ulong Scale2 = 0)
{
    public bool IsConstant => Atom1 == 0;

    /// <summary>One atom, as it is.</summary>
    public bool IsAtom => Constant == 0 && Scale1 == 1 && Atom2 == 0;

    public Linear Plus(ulong constant) => this with { Constant = Constant + constant };

    public Linear Times(ulong factor) => factor == 0 ? default : new(Constant * factor, Atom1, Scale1 * factor, Atom2, Scale2 * factor);

    /// <summary>The sum, null when it needs more than two terms.</summary>
    public Linear? Plus(Linear other)
    {
        Linear? sum = Plus(other.Constant);
        if (other.Atom1 != 0) sum = sum?.PlusTerm(other.Atom1, other.Scale1);
        return other.Atom2 != 0 ? sum?.PlusTerm(other.Atom2, other.Scale2) : sum;
    }

    public ulong ScaleOf(int atom) => atom == Atom1 ? Scale1 : atom == Atom2 ? Scale2 : 0;

    /// <summary>Without the term of an atom.</summary>
    public Linear Without(int atom) =>
        atom == Atom1 ? new(Constant, Atom2, Scale2) : atom == Atom2 ? new(Constant, Atom1, Scale1) : this;

    Linear? PlusTerm(int atom, ulong scale)
    {
        var total = ScaleOf(atom) + scale;
        var rest = Without(atom);
        if (total == 0) return rest;
        if (rest.Atom1 == 0) return new(rest.Constant, atom, total);
        if (rest.Atom2 != 0) return null;
        return atom < rest.Atom1 ? new(rest.Constant, atom, total, rest.Atom1, rest.Scale1) : new(rest.Constant, rest.Atom1, rest.Scale1, atom, total);
    }
}

/// <summary>What an atom of a <see cref="Linear"/> stands for.</summary>
internal enum AtomKind
{
    /// <summary>Something unknown.</summary>
    Opaque,
    /// <summary>A register when the path starts.</summary>
    Initial,
    /// <summary>Zero-extended memory contents; Inner is the address, Parameter the size in bytes.</summary>
    Load,
    /// <summary>The low Parameter bits of Inner.</summary>
    Zext,
    /// <summary>The low Parameter bits of Inner, as a signed number.</summary>
    Sext,
    /// <summary>Inner and Parameter.</summary>
    Mask,
    /// <summary>Inner shifted right (logically) by Site bits; Parameter is the width of the result.</summary>
    Shift,
}

internal readonly record struct Atom(AtomKind Kind, Linear Inner, ulong Parameter, int Site)
{
    /// <summary>Bits that can be set, counted from bit 0.</summary>
    public int Width => Kind switch
    {
        AtomKind.Load => (int)Parameter * 8,
        AtomKind.Zext or AtomKind.Shift => (int)Parameter,
        AtomKind.Mask => 64 - System.Numerics.BitOperations.LeadingZeroCount(Parameter),
        _ => 64,
    };
}

/// <summary>Makes values; equal values get equal <see cref="Linear"/>s as far as simple rules can tell.</summary>
internal sealed class Values
{
    readonly List<Atom> atoms = [default];
    readonly Dictionary<Atom, int> numbers = [];
    readonly Dictionary<(int Atom, int Bits), Linear> lowParts = [];

    public Atom this[int atom] => atoms[atom];

    public Linear Of(Atom atom)
    {
        if (!numbers.TryGetValue(atom, out var number))
        {
            number = numbers[atom] = atoms.Count;
            atoms.Add(atom);
        }
        return new(0, number, 1);
    }

    public Linear Opaque() => Of(new(AtomKind.Opaque, default, 0, atoms.Count));

    /// <summary>Something unknown whose low bits are known.</summary>
    public Linear OpaqueWithLow(Linear low, int bits)
    {
        var value = Opaque();
        lowParts[(value.Atom1, bits)] = low;
        return value;
    }

    public Linear Add(Linear a, Linear b) => a.Plus(b) ?? Opaque();

    public Linear Zext(Linear value, int bits)
    {
        if (bits == 64) return value;
        value = Strip(value, bits);
        if (value.IsConstant) return new(value.Constant & ((1UL << bits) - 1));
        if (value.IsAtom && lowParts.TryGetValue((value.Atom1, bits), out var low)) return Zext(low, bits);
        if (value.IsAtom && atoms[value.Atom1].Width <= bits) return value;
        return Of(new(AtomKind.Zext, value, (ulong)bits, 0));
    }

    public Linear Sext(Linear value, int bits)
    {
        if (bits == 64) return value;
        value = Strip(value, bits);
        if (value.IsConstant) return new((ulong)((long)(value.Constant << (64 - bits)) >> (64 - bits)));
        if (value.IsAtom && lowParts.TryGetValue((value.Atom1, bits), out var low)) return Sext(low, bits);
        if (value.IsAtom && atoms[value.Atom1].Width < bits) return value;
        return Of(new(AtomKind.Sext, value, (ulong)bits, 0));
    }

    public Linear Mask(Linear value, ulong mask)
    {
        if (mask == ulong.MaxValue) return value;
        if (mask == 0) return default;
        if ((mask & (mask + 1)) == 0) return Zext(value, System.Numerics.BitOperations.PopCount(mask));
        return value.IsConstant ? new(value.Constant & mask) : Of(new(AtomKind.Mask, value, mask, 0));
    }

    public Linear Shift(Linear value, int count, int bits)
    {
        var wide = Zext(value, bits);
        return wide.IsConstant ? new(wide.Constant >> count) : Of(new(AtomKind.Shift, wide, (ulong)(bits - count), count));
    }

    /// <summary>Removes extensions: the number inside and what was added to it on the way.</summary>
    public (Linear Core, ulong Offset) Core(Linear value)
    {
        var offset = value.Constant;
        value = value with { Constant = 0 };
        while (value.IsAtom && atoms[value.Atom1] is { Kind: AtomKind.Zext or AtomKind.Sext } extension)
        {
            offset += extension.Inner.Constant;
            value = extension.Inner with { Constant = 0 };
        }
        return (value, offset);
    }

    /// <summary>Extensions inside do not matter to the low bits.</summary>
    Linear Strip(Linear value, int bits)
    {
        foreach (var atom in (ReadOnlySpan<int>)[value.Atom1, value.Atom2])
            if (atom != 0 && atoms[atom] is { Kind: AtomKind.Zext or AtomKind.Sext } inner && inner.Parameter >= (ulong)bits)
                value = value.Without(atom).Plus(inner.Inner.Times(value.ScaleOf(atom))) ?? value;
        return value;
    }
}
