namespace Emu.Ir;

/// <summary>What each flag is after each kind of operation: the whole of x86 integer flags on one page (Intel SDM vol. 1, 3.4.3).</summary>
public static class FlagTable
{
    /// <summary>The flags that <paramref name="rule"/> gives for operands a, b and result r of <paramref name="bits"/> bits.</summary>
    public static Flag Compute(FlagRule rule, int bits, UInt128 a, UInt128 b, UInt128 r)
    {
        UInt128 top = UInt128.One << (bits - 1);
        bool Negative(UInt128 x) => (x & top) != 0;
        (bool c, bool o) = rule switch
        {
            FlagRule.Add or FlagRule.Adc => (Negative(a & b | (a | b) & ~r), Negative((a ^ r) & (b ^ r))),
            FlagRule.Sub or FlagRule.Sbb => (Negative(~a & b | (~a | b) & r), Negative((a ^ b) & (a ^ r))),
            _ => (false, false),
        };
        bool adjust = rule is not (FlagRule.Logic or FlagRule.Result) && ((a ^ b ^ r) & 0x10) != 0;
        bool parity = System.Numerics.BitOperations.PopCount((uint)(r & 0xff)) % 2 == 0;
        return (c ? Flag.C : 0) | (o ? Flag.O : 0) | (adjust ? Flag.A : 0) | (parity ? Flag.P : 0) | (r == 0 ? Flag.Z : 0) | (Negative(r) ? Flag.S : 0);
    }

    /// <summary>Whether condition <paramref name="cc"/> holds under flags <paramref name="f"/>.</summary>
    public static bool Holds(Cc cc, Flag f)
    {
        bool o = (f & Flag.O) != 0, c = (f & Flag.C) != 0, z = (f & Flag.Z) != 0, s = (f & Flag.S) != 0, p = (f & Flag.P) != 0;
        bool yes = ((int)cc >> 1) switch { 0 => o, 1 => c, 2 => z, 3 => c | z, 4 => s, 5 => p, 6 => s != o, _ => z | s != o };
        return yes ^ ((int)cc & 1) == 1;
    }

    /// <summary>The flags that a condition looks at.</summary>
    public static Flag Reads(this Cc cc) => ((int)cc >> 1) switch
    {
        0 => Flag.O,
        1 => Flag.C,
        2 => Flag.Z,
        3 => Flag.C | Flag.Z,
        4 => Flag.S,
        5 => Flag.P,
        6 => Flag.S | Flag.O,
        _ => Flag.Z | Flag.S | Flag.O,
    };

    /// <summary>The flags that an operation reads.</summary>
    public static Flag FlagsRead(this Inst i) => i.Op switch
    {
        Op.Cond => ((Detail.Condition)i.Detail!).Cc.Reads(),
        Op.GetFlag => ((Detail.OneFlag)i.Detail!).Flag,
        _ => i.Op == Op.Rflags || i.Op.Has(Effect.Helper) && i.Op != Op.Rep ? Flag.All : Flag.None,
    };

    /// <summary>The flags that an operation certainly overwrites.</summary>
    public static Flag FlagsWritten(this Inst i) => i.Op switch
    {
        Op.Flags => ((Detail.FlagWrite)i.Detail!).Live,
        Op.SetFlag => ((Detail.OneFlag)i.Detail!).Flag,
        _ => Flag.None,
    };

    /// <summary>Flags as letters of <c>oszapc</c>.</summary>
    public static string Letters(Flag f) => string.Concat(GuestState.FlagBytes.Where(l => (f & l.Flag) != 0).Select(l => l.Letter));

    /// <summary>The inverse of <see cref="Letters"/>.</summary>
    public static Flag Parse(string s) => s.Aggregate(Flag.None, (all, c) => all | GuestState.FlagBytes.First(l => l.Letter == c).Flag);
}
