using Emu.Ir;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>Packed integers: arithmetic, comparison, logic, shifts (Intel SDM vol. 1, 5.6.3 and 5.10).</summary>
static class Packed
{
    public static void Define(Rules r)
    {
        r.Lanes("padd", "bwdq", Op.Add);
        r.Lanes("psub", "bwdq", Op.Sub);
        r.Lanes("pmull", "wd", Op.Mul);
        r.Lanes("pminu", "bwd", Op.Umin);
        r.Lanes("pmins", "bwd", Op.Smin);
        r.Lanes("pmaxu", "bwd", Op.Umax);
        r.Lanes("pmaxs", "bwd", Op.Smax);
        r.Compare("pcmpeq", Predicate.Eq);
        r.Compare("pcmpgt", Predicate.Sgt);
        foreach (char c in "bwd") r.Unary("pabs" + c, Vectors.Lane(c), a => a.With(Op.Smax, -a));
        r.Lanes("pmuludq", I64, (a, b) => LowHalf(a) * LowHalf(b));
        r.Lanes("pmuldq", I64, (a, b) => SignedLowHalf(a) * SignedLowHalf(b));

        r.Natives(I8, "paddsb paddusb psubsb psubusb pavgb psignb");
        r.Natives(I16, "paddsw paddusw psubsw psubusw pavgw psignw pmulhw pmulhuw pmulhrsw phaddsw phsubsw");
        r.Natives(I32, "psignd");
        r.Narrowing(I16, I8, "packsswb packuswb");
        r.Narrowing(I32, I16, "packssdw packusdw");
        r.Narrowing(I16, I32, "pmaddwd");
        r.Narrowing(I8, I16, "pmaddubsw");
        r.Narrowing(I8, I64, "psadbw");
        r.Twins("mpsadbw", x => { var (a, b) = x.Sources(x.Filled(I8)); x.WriteVector(x.E.Native("mpsadbw", x.Filled(I16), x.Immediate, a, b)); });
        r.Unary("phminposuw", I16, a => a.E.Native("phminposuw", a.Type, null, a));

        r.Horizontal("phaddw", I16, Op.Add);
        r.Horizontal("phaddd", I32, Op.Add);
        r.Horizontal("phsubw", I16, Op.Sub);
        r.Horizontal("phsubd", I32, Op.Sub);

        foreach (var (and, andn, or, xor, lane) in new[] { ("pand", "pandn", "por", "pxor", I64), ("andps", "andnps", "orps", "xorps", I32), ("andpd", "andnpd", "orpd", "xorpd", I64) })
        {
            r.Lanes(and, lane, (a, b) => a & b);
            r.Lanes(andn, lane, (a, b) => (a ^ a.Splat(-1)) & b);
            r.Lanes(or, lane, (a, b) => a | b);
            r.Lanes(xor, lane, (a, b) => a ^ b);
        }

        r.Shift("psll", "wdq", Op.Shl);
        r.Shift("psrl", "wdq", Op.Shr);
        r.Shift("psra", "wd", Op.Sar);
        r.Twins("ptest", Test);
    }

    static V LowHalf(V a) => a & a.Splat(0xffffffff);
    static V SignedLowHalf(V a) => a.With(Op.Shl, a.Splat(32)).Sar(a.Splat(32));

    static void Compare(this Rules r, string stem, Predicate p)
    {
        foreach (char c in "bwdq") r.Lanes(stem + c, Vectors.Lane(c), (a, b) => a.Icmp(p, b).Sext(a.Type));
    }

    /// <summary>Host instructions whose result has other lanes than their two sources.</summary>
    static void Narrowing(this Rules r, IrType from, IrType to, string names)
    {
        foreach (var name in names.Split(' ')) r.Lanes(name, from, (a, b) => a.E.Native(name, to.Fill(a.Type.TotalBits), null, a, b));
    }

    /// <summary>Neighbours combined: first those of one source, then those of the other.</summary>
    public static void Horizontal(this Rules r, string name, IrType lane, Op op) => r.Lanes(name, lane, (a, b) =>
        a.Shuffle(b, Vectors.InLane(a.Type, k => 2 * k)).With(op, a.Shuffle(b, Vectors.InLane(a.Type, k => 2 * k + 1))));

    static void Shift(this Rules r, string stem, string suffixes, Op op)
    {
        foreach (char c in suffixes) r.Twins(stem + c, x => x.ShiftLanes(stem + c, x.Filled(Vectors.Lane(c)), op));
    }

    /// <summary>The count is one for all lanes: an immediate, or the low 64 bits of the last source. It may exceed the lane.</summary>
    static void ShiftLanes(this Lift x, string name, IrType t, Op op)
    {
        V a = x.Read(x.Last() - 1, t);
        int n = x.Immediate;
        if (x.IsRegister(x.Last()) || x.IsMemory(x.Last())) x.WriteVector(x.E.Native(name, t, null, a, x.Read(x.Last(), I64.By(2))));
        else if (n >= t.Bits && op != Op.Sar) x.WriteVector(a.Splat(0));
        else x.WriteVector(a.With(op, a.Splat(Math.Min(n, t.Bits - 1))));
    }

    static void Test(Lift x)
    {
        var whole = Int(x.Bits(0));
        V a = x.Read(0, x.Filled(I64)), b = x.Read(1, a.Type);
        V IsZero(V v) => v.Bits(whole).Icmp(Predicate.Eq, 0);
        x.Comparison(zero: IsZero(a & b), parity: x.E.Const(I1, 0), carry: IsZero((a ^ a.Splat(-1)) & b));
    }

    /// <summary>The flags of a vector comparison: the others are cleared.</summary>
    public static void Comparison(this Lift x, V zero, V parity, V carry)
    {
        foreach (var f in new[] { Flag.O, Flag.S, Flag.A }) x.E.SetFlag(f, x.E.Const(I1, 0L));
        x.E.SetFlag(Flag.Z, zero);
        x.E.SetFlag(Flag.P, parity);
        x.E.SetFlag(Flag.C, carry);
    }
}
