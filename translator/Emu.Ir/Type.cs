namespace Emu.Ir;

/// <summary>What the bits of a lane mean to arithmetic: an integer or an IEEE float.</summary>
public enum Kind : byte { Int, Float }

/// <summary>i1 ... i128, f32, f64, and vectors of them (<c>i32x4</c>): one type, so one <c>add</c> op.</summary>
public readonly record struct Type
{
    readonly byte lanes; // four bytes in all: every operation has two types, and a large program tens of millions of operations
    readonly ushort bits;

    public Type(Kind kind, int bits, int lanes = 1) => (Kind, this.bits, this.lanes) = (kind, checked((ushort)bits), checked((byte)lanes));

    public Kind Kind { get; }

    /// <summary>Of one lane.</summary>
    public int Bits => bits;
    public int Lanes { get => lanes; private init => lanes = checked((byte)value); }

    public static readonly Type I1 = Int(1), I8 = Int(8), I16 = Int(16), I32 = Int(32), I64 = Int(64), I128 = Int(128);
    public static readonly Type F32 = new(Kind.Float, 32), F64 = new(Kind.Float, 64);

    public static Type Int(int bits) => new(Kind.Int, bits);

    /// <summary>A vector of <paramref name="lanes"/> lanes of this scalar.</summary>
    public Type By(int lanes) => this with { Lanes = lanes };

    /// <summary>As many lanes as fill <paramref name="bits"/> bits: <c>F32.Fill(128)</c> is f32x4.</summary>
    public Type Fill(int bits) => this with { Lanes = bits / Bits };

    /// <summary>The integer type as wide as the whole value.</summary>
    public Type AsInt => Int(TotalBits);

    /// <summary>The type of one lane.</summary>
    public Type Lane => this with { Lanes = 1 };

    /// <summary>i1 for a scalar, one i1 per lane for a vector: what a comparison of this type gives.</summary>
    public Type AsMask => I1.By(Lanes);

    public bool IsFloat => Kind == Kind.Float;
    public bool IsVector => Lanes > 1;
    public int TotalBits => Bits * Lanes;

    /// <summary>Size in guest memory and guest state, in bytes.</summary>
    public int Bytes => (TotalBits + 7) / 8;

    public override string ToString() => $"{(Kind == Kind.Int ? 'i' : 'f')}{Bits}{(Lanes > 1 ? $"x{Lanes}" : "")}";

    /// <summary>Parses <c>i32</c>, <c>f64x2</c>; throws <see cref="FormatException"/> on anything else.</summary>
    public static Type Parse(ReadOnlySpan<char> s)
    {
        if (s.Length < 2 || s[0] is not ('i' or 'f')) throw new FormatException($"'{s}' is not a type");
        int x = s.IndexOf('x');
        int bits = int.Parse(x < 0 ? s[1..] : s[1..x]);
        return new(s[0] == 'i' ? Kind.Int : Kind.Float, bits, x < 0 ? 1 : int.Parse(s[(x + 1)..]));
    }
}
