using Emu.Ir;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>x87 remainders, scaling and transcendental functions: the host's own instructions (Intel SDM vol. 1, 5.2.4).</summary>
static class X87Functions
{
    public static void Define(Rules r)
    {
        foreach (var m in new[] { F2xm1, Frndint }) r[m] = x => x.SetSt(0, x.One(X87.Name(m)));
        r[Fscale] = x => x.SetSt(0, x.Two("fscale"));
        foreach (var m in new[] { Fyl2x, Fyl2xp1, Fpatan }) r[m] = x => { x.SetSt(1, x.Two(X87.Name(m))); x.Drop(); };
        foreach (var m in new[] { Fprem, Fprem1 }) r[m] = x =>
        {
            // An invalid operation only clears C2.
            V codes = x.E.Native(X87.Name(m) + "_status", I16, null, x.St(0), x.St(1)) & 0x4700, result = x.Two(X87.Name(m));
            x.SetSt(0, result);
            x.E.Set("fsw", x.E.Select(result.Fcmp(Predicate.Uno, result), x.E.Get(I16, "fsw") & 0x4300, codes));
        };
        r[Fxam] = Examine;
        r[Fxtract] = x =>
        {
            V exponent = x.One("fxtract_exponent"), significand = x.One("fxtract");
            x.SetSt(0, exponent);
            x.PushFloat(significand);
        };
        foreach (var m in new[] { Fsin, Fcos }) r[m] = x => { x.TooFar(out _); x.SetSt(0, x.One(X87.Name(m))); };
        r[Fsincos] = x => x.Pair(v => (x.E.Native("fsin", F80, null, v), x.E.Native("fcos", F80, null, v)));
        r[Fptan] = x => x.Pair(v => (x.E.Native("fptan", F80, null, v), x.E.Native("fptan_one", F80, null, v)));
    }

    static V One(this Lift x, string name) => x.E.Native(name, F80, null, x.St(0));
    static V Two(this Lift x, string name) => x.E.Native(name, F80, null, x.St(0), x.St(1));

    /// <summary>C2: the operand is a number beyond 2^63, which fsin, fcos, fsincos and fptan leave alone.</summary>
    static V TooFar(this Lift x, out V st0)
    {
        st0 = x.St(0);
        V exponent = (st0.Bits(Int(80)) >> 64).Trunc(I16) & 0x7fff;
        V far = exponent.Icmp(Predicate.Uge, 0x3fff + 63) & exponent.Icmp(Predicate.Ne, 0x7fff);
        x.E.Set("fsw", far.Zext(I16) << 10);
        return far;
    }

    /// <summary>Replaces st0 by two values, or leaves everything alone when st0 is out of range.</summary>
    static void Pair(this Lift x, Func<V, (V Below, V Top)> f)
    {
        V far = x.TooFar(out V st0), range = x.E.Select(far, x.E.ConstBits(F80, 0), st0);
        var (below, top) = f(range);
        V step = far.Zext(I8) - 1;
        x.SetSt(0, x.E.Select(far, st0, below));
        V before = x.St(7);
        V place = x.E.Get(I8, "ftop") + step & 7;
        x.SetSt(7, x.E.Select(far, before, top));
        x.E.Set("ftag", x.E.Get(I8, "ftag") | x.E.Const(I8, 1) << place);
        x.E.Set("ftop", place);
    }

    /// <summary>The class of st0 in C3 C2 C0 and its sign in C1; an empty register is 101.</summary>
    static void Examine(Lift x)
    {
        V st0 = x.St(0), codes = x.E.Native("fxam_status", I16, null, st0) & 0x4700;
        V used = (x.E.Get(I8, "ftag") >> x.E.Get(I8, "ftop")).Trunc(I1);
        x.E.Set("fsw", x.E.Select(used, codes, codes & X87.C1 | x.E.Const(I16, X87.C3 | X87.C0)));
    }
}
