using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>Bit scans, bit tests, byte swaps (Intel SDM vol. 1, 5.1.6).</summary>
static class BitOps
{
    public static void Define(Rules r)
    {
        r[Bsf] = x => x.Scan(s => s.One(Op.Cttz));
        r[Bsr] = x => x.Scan(s => s.Same(s.Type.Bits - 1) - s.One(Op.Ctlz));
        r[Tzcnt] = x => x.CountZeros(Op.Cttz);
        r[Lzcnt] = x => x.CountZeros(Op.Ctlz);
        r[Popcnt] = PopulationCount;
        r[Bswap] = x => x.Write(0, x.Bits(0) == 16 ? x.E.Const(I16, 0L) : x.Read(0).One(Op.Bswap));
        r[Bt] = x => x.BitTest(null);
        r[Bts] = x => x.BitTest(Op.Or);
        r[Btr] = x => x.BitTest(Op.And);
        r[Btc] = x => x.BitTest(Op.Xor);
    }

    /// <summary>A zero source leaves the destination as it was: AMD's manual says so, Intel's CPUs do so.</summary>
    static void Scan(this Lift x, Func<V, V> find)
    {
        V source = x.Read(1), none = source.Icmp(Predicate.Eq, 0);
        string to = Lift.Full(x.Instruction.Op0Register);
        if (x.Bits(0) == 16) x.Write(0, x.E.Select(none, x.Read(0), find(source)));
        else x.E.Set(to, x.E.Select(none, x.E.Get(I64, to), find(source).Zext(I64)));
        x.E.Flags(FlagRule.Logic, source, source, source);
    }

    /// <summary>Not in x86-64-v2, but compilers emit <c>rep bsf</c> for either.</summary>
    static void CountZeros(this Lift x, Op op)
    {
        V source = x.Read(1), result = source.One(op);
        x.Write(0, result);
        x.E.Flags(FlagRule.Logic, result, result, result);
        x.E.SetFlag(Flag.C, source.Icmp(Predicate.Eq, 0));
    }

    static void PopulationCount(Lift x)
    {
        V source = x.Read(1);
        x.Write(0, source.One(Op.Popcnt));
        foreach (var f in new[] { Flag.O, Flag.S, Flag.A, Flag.P, Flag.C }) x.E.SetFlag(f, x.E.Const(I1, 0L));
        x.E.SetFlag(Flag.Z, source.Icmp(Predicate.Eq, 0));
    }

    static void BitTest(this Lift x, Op? change)
    {
        var t = x.Type(0);
        V index = x.Read(1, x.IsRegister(1) ? x.Type(1) : t), within = index & t.Bits - 1;
        V mask = x.E.Const(t, 1L) << within, operand = change == Op.And ? ~mask : mask, old;
        if (x.IsMemory(0))
        {
            // A register index reaches outside the operand: a bit string (Intel SDM vol. 2, 3.1.1.9).
            V address = x.Address(0);
            if (x.IsRegister(1)) address += index.Sar(System.Numerics.BitOperations.Log2((uint)t.Bits)).Sext(I64) * x.E.Const(I64, t.Bytes);
            old = x.Locked && change is { } atomic ? x.E.Rmw(atomic, address, operand, x.Segment) : x.E.Load(t, address, x.Segment);
            if (!x.Locked && change is { } op) x.E.Store(address, old.With(op, operand), x.Segment);
        }
        else
        {
            old = x.Read(0);
            if (change is { } op) x.Write(0, old.With(op, operand));
        }
        x.E.SetFlag(Flag.C, (old >> within).Trunc(I1));
    }
}
