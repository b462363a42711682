using Emu.Ir;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>BMI1, BMI2, ADX and MOVBE (Intel SDM vol. 1, 5.1.16, 5.1.17; vol. 2 ADCX, ADOX, MOVBE). Sources come after the destination, as in VEX.</summary>
static class Bmi
{
    public static void Define(Rules r)
    {
        r[Andn] = x => x.Result(~x.Read(1) & x.Read(2), carry: null);
        r[Blsr] = x => x.LowestBit(a => a & (a - 1), a => a.Icmp(Predicate.Eq, 0));
        r[Blsmsk] = x => x.LowestBit(a => a ^ (a - 1), a => a.Icmp(Predicate.Eq, 0));
        r[Blsi] = x => x.LowestBit(a => a & -a, a => a.Icmp(Predicate.Ne, 0));
        r[Bextr] = x => x.Result(x.E.Native("bextr", x.Type(0), null, x.Read(1), x.Read(2)), carry: null);
        r[Bzhi] = x => { V index = x.Read(2); x.Result(x.E.Native("bzhi", x.Type(0), null, x.Read(1), index), (index & 0xff).Icmp(Predicate.Uge, index.Type.Bits)); };
        r[Pext] = x => x.Write(0, x.E.Native("pext", x.Type(0), null, x.Read(1), x.Read(2)));
        r[Pdep] = x => x.Write(0, x.E.Native("pdep", x.Type(0), null, x.Read(1), x.Read(2)));
        r[Mulx] = MultiplyWide;
        r[Rorx] = x => { V a = x.Read(1); x.Write(0, x.E.Emit(Op.Fshr, a.Type, null, a, a, a.Same(x.Immediate & a.Type.Bits - 1))); };
        r[Shlx] = x => x.ShiftBy(Op.Shl);
        r[Shrx] = x => x.ShiftBy(Op.Shr);
        r[Sarx] = x => x.ShiftBy(Op.Sar);
        r[Adcx] = x => x.AddCarry(Flag.C);
        r[Adox] = x => x.AddCarry(Flag.O);
        r[Movbe] = x => x.Write(0, x.Read(1).One(Op.Bswap));
    }

    /// <summary>A result with its flags: OF is 0, AF and PF are undefined.</summary>
    static void Result(this Lift x, V v, V? carry)
    {
        x.Write(0, v);
        x.E.Flags(FlagRule.Logic, v, v, v);
        if (carry is { } c) x.E.SetFlag(Flag.C, c);
    }

    static void LowestBit(this Lift x, Func<V, V> f, Func<V, V> carry)
    {
        V a = x.Read(1);
        x.Result(f(a), carry(a));
    }

    /// <summary>The upper half is written last: it wins where both go to one register.</summary>
    static void MultiplyWide(Lift x)
    {
        var t = x.Type(0);
        V product = x.E.Get(t, "rdx").Zext(Int(2 * t.Bits)) * x.Read(2).Zext(Int(2 * t.Bits));
        x.Write(1, product.Trunc(t));
        x.Write(0, (product >> t.Bits).Trunc(t));
    }

    static void ShiftBy(this Lift x, Op op) => x.Write(0, x.Read(1).With(op, x.Read(2) & x.Bits(0) - 1));

    /// <summary>Adds with one flag as carry in and out; no other flag changes.</summary>
    static void AddCarry(this Lift x, Flag f)
    {
        V carry = x.E.GetFlag(f).Zext(x.Type(0)), a = x.Read(0), b = x.Read(1), sum = a + b, result = sum + carry;
        x.Write(0, result);
        x.E.SetFlag(f, sum.Icmp(Predicate.Ult, a) | result.Icmp(Predicate.Ult, sum));
    }
}
