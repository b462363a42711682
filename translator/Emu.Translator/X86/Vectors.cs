using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>The operand layer and the parametric families of the vector rows. Every family also defines the VEX twin.</summary>
static class Vectors
{
    /// <summary>The lane of an integer suffix: b, w, d, q.</summary>
    public static IrType Lane(char suffix) => suffix switch { 'b' => I8, 'w' => I16, 'd' => I32, _ => I64 };

    /// <summary>A vector of <paramref name="lane"/>s as wide as the destination.</summary>
    public static IrType Filled(this Lift x, IrType lane) => lane.Fill(x.Bits(0));

    /// <summary>The number of the last source operand; the first source comes just before it.</summary>
    public static int Last(this Lift x) => x.IsVex ? 2 : 1;

    /// <summary>A vector with the same value in every lane.</summary>
    public static V Splat(this Emitter e, IrType t, long value)
    {
        UInt128 lane = ((UInt128)(Int128)value) & (UInt128.One << t.Bits) - 1, bits = lane;
        if (t.TotalBits > 128) return e.ConstBits(t, lane) is var low ? low.Shuffle(low, new int[t.Lanes]) : default;
        for (int n = 1; n < t.Lanes; n++) bits = bits << t.Bits | lane;
        return e.ConstBits(t, bits);
    }

    /// <summary>Like this value's type, the same constant in every lane.</summary>
    public static V Splat(this V v, long value) => v.E.Splat(v.Type, value);

    /// <summary>Writes the low lane; the lanes above stay (SSE) or come from the first source (VEX).</summary>
    public static void WriteLow(this Lift x, V v)
    {
        if (x.IsVex) x.WriteVector(x.Read(1, I64.By(2)));
        x.Write(0, v);
    }

    /// <summary>Writes one lane of an xmm register; the others stay, unread (SSE), or come from the first source (VEX).</summary>
    public static void WriteLane(this Lift x, int lane, V v)
    {
        if (x.IsVex) x.WriteVector(x.Read(1, v.Type.Fill(128)).Insert(lane, v));
        else x.E.Set(Lift.Full(x.Instruction.Op0Register), v, lane * v.Type.Bytes);
    }

    /// <summary>Writes the low lane and clears the lanes above, as loads into vector registers do.</summary>
    public static void WriteAlone(this Lift x, V v) => x.WriteVector(x.E.Splat(v.Type.Fill(128), 0).Insert(0, v));

    /// <summary>The lanes of a shuffle that does the same in every 128 bits: pick gives 0 ... n-1 of the first, n ... 2n-1 of the second, or -1.</summary>
    public static int[] InLane(IrType t, Func<int, int> pick)
    {
        int n = 128 / t.Bits;
        return [.. Enumerable.Range(0, t.Lanes).Select(k => pick(k % n) is var p && p < 0 ? -1 : p % n + k / n * n + p / n * t.Lanes)];
    }

    /// <summary>Lane by lane from two sources.</summary>
    public static void Lanes(this Rules r, string name, IrType lane, Func<V, V, V> f) => r.Twins(name, x =>
    {
        var (a, b) = x.Sources(x.Filled(lane));
        x.WriteVector(f(a, b));
    });

    /// <summary>The same for integer lanes of several widths: <c>padd</c>, <c>bwdq</c>.</summary>
    public static void Lanes(this Rules r, string stem, string suffixes, Op op)
    {
        foreach (char c in suffixes) r.Lanes(stem + c, Lane(c), (a, b) => a.With(op, b));
    }

    /// <summary>From one vector.</summary>
    public static void Unary(this Rules r, string name, IrType lane, Func<V, V> f) => r.Twins(name, x => x.WriteVector(f(x.Read(1, x.Filled(lane)))));

    /// <summary>A host instruction on the low lane: of the last source, and of the first where it has two.</summary>
    public static void Scalar(this Rules r, string name, IrType from, IrType? to = null) => r.Twins(name, x => x.ScalarLane(name, from, null, to));

    /// <summary>The lanes above the result's are the first source's: so the host instruction takes all of it.</summary>
    public static void ScalarLane(this Lift x, string name, IrType from, int? immediate = null, IrType? to = null)
    {
        var whole = (to ?? from).Fill(128);
        x.WriteVector(x.E.Native(name, whole, immediate, x.Read(x.Last() - 1, whole), x.Read(x.Last(), from)));
    }

    /// <summary>The four float forms: ps, pd, ss, sd.</summary>
    public static void Floats(this Rules r, string stem)
    {
        foreach (var (c, lane) in FloatLanes) { r.Natives(lane, $"{stem}p{c}"); r.Scalar($"{stem}s{c}", lane); }
    }

    /// <summary>Single and double.</summary>
    public static readonly (char, IrType)[] FloatLanes = [('s', F32), ('d', F64)];

    /// <summary>Host instructions on whole vectors of one kind of lane, two sources each.</summary>
    public static void Natives(this Rules r, IrType lane, string names)
    {
        foreach (var name in names.Split(' ')) r.Lanes(name, lane, (a, b) => a.E.Native(name, a.Type, null, a, b));
    }
}
