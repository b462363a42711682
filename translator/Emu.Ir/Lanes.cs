using System.Numerics;

namespace Emu.Ir;

/// <summary>Arithmetic on bit patterns, one lane at a time.</summary>
static class Lanes
{
    public static BigInteger Mask(int bits) => (BigInteger.One << bits) - 1;

    /// <summary>A bit pattern as a two's complement number.</summary>
    public static BigInteger Signed(BigInteger x, int bits) => (x >> (bits - 1)).IsZero ? x : x - (BigInteger.One << bits);

    /// <summary>All lanes as one number, lane 0 lowest.</summary>
    public static BigInteger Pack(BigInteger[] lanes, Type t) => lanes.Reverse().Aggregate(BigInteger.Zero, (all, lane) => all << t.Bits | lane);

    public static BigInteger[] Unpack(BigInteger whole, Type t) => [.. Enumerable.Range(0, t.Lanes).Select(n => whole >> n * t.Bits & Mask(t.Bits))];

    /// <summary>An integer operation on each lane.</summary>
    public static BigInteger[] Map(Op op, Type t, params BigInteger[][] args) =>
        [.. Enumerable.Range(0, t.Lanes).Select(n => Lane(op, t.Bits, [.. args.Select(a => a[n])]) & Mask(t.Bits))];

    static BigInteger Lane(Op op, int bits, BigInteger[] a) => op switch
    {
        Op.Add => a[0] + a[1],
        Op.Sub => a[0] - a[1],
        Op.Mul => a[0] * a[1],
        Op.And => a[0] & a[1],
        Op.Or => a[0] | a[1],
        Op.Xor => a[0] ^ a[1],
        Op.Shl => a[0] << Count(a[1], bits),
        Op.Shr => a[0] >> Count(a[1], bits),
        Op.Sar => Signed(a[0], bits) >> Count(a[1], bits),
        Op.Fshl => (a[0] << bits | a[1]) << Count(a[2], bits) >> bits,
        Op.Fshr => (a[0] << bits | a[1]) >> Count(a[2], bits),
        Op.Umin => BigInteger.Min(a[0], a[1]),
        Op.Umax => BigInteger.Max(a[0], a[1]),
        Op.Smin => BigInteger.Min(Signed(a[0], bits), Signed(a[1], bits)),
        Op.Smax => BigInteger.Max(Signed(a[0], bits), Signed(a[1], bits)),
        Op.Popcnt => Enumerable.Range(0, bits).Count(n => !(a[0] >> n).IsEven),
        Op.Ctlz => bits - (int)a[0].GetBitLength(),
        Op.Cttz => a[0].IsZero ? bits : Enumerable.Range(0, bits).First(n => !(a[0] >> n).IsEven),
        Op.Bswap => Enumerable.Range(0, bits / 8).Aggregate(BigInteger.Zero, (all, n) => all << 8 | a[0] >> 8 * n & 255),
        _ => throw new NotSupportedException(op.Name()),
    };

    /// <summary>Counts at or above the width have no meaning (LLVM: poison), so using one is an error in a row.</summary>
    static int Count(BigInteger n, int bits) => n < bits ? (int)n : throw new InvalidOperationException($"a shift by {n} of {bits} bits");

    /// <summary>Remainder above quotient; #DE as the CPU raises it.</summary>
    public static BigInteger Divide(bool signed, int bits, BigInteger high, BigInteger low, BigInteger by)
    {
        BigInteger dividend = high << bits | low;
        if (signed) (dividend, by) = (Signed(dividend, 2 * bits), Signed(by, bits));
        if (by.IsZero) throw new GuestFault(8, "divide by zero");
        var quotient = BigInteger.DivRem(dividend, by, out var remainder);
        var (least, most) = signed ? (-(BigInteger.One << (bits - 1)), Mask(bits - 1)) : (BigInteger.Zero, Mask(bits));
        if (quotient < least || quotient > most) throw new GuestFault(8, "quotient too large");
        return (remainder & Mask(bits)) << bits | quotient & Mask(bits);
    }

    public static bool Compare(Predicate p, Type t, BigInteger a, BigInteger b)
    {
        if (p >= Predicate.Slt) (a, b) = (Signed(a, t.Bits), Signed(b, t.Bits));
        return p switch
        {
            Predicate.Eq => a == b,
            Predicate.Ne => a != b,
            Predicate.Ult or Predicate.Slt => a < b,
            Predicate.Ule or Predicate.Sle => a <= b,
            Predicate.Ugt or Predicate.Sgt => a > b,
            _ => a >= b,
        };
    }
}
