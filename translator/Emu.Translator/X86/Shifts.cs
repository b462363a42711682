using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>Shifts and rotates (Intel SDM vol. 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD). A count of 0 changes nothing.</summary>
static class Shifts
{
    public static void Define(Rules r)
    {
        r[Shl] = r[Sal] = x => x.Shift(Op.Shl);
        r[Shr] = x => x.Shift(Op.Shr);
        r[Sar] = x => x.Shift(Op.Sar);
        r[Rol] = x => x.Rotate(Op.Fshl);
        r[Ror] = x => x.Rotate(Op.Fshr);
        r[Rcl] = x => x.RotateThroughCarry(left: true);
        r[Rcr] = x => x.RotateThroughCarry(left: false);
        r[Shld] = x => x.Double(left: true);
        r[Shrd] = x => x.Double(left: false);
    }

    /// <summary>The count's constant value after masking, or null when it is cl.</summary>
    static int? Known(this Lift x, int op) => x.IsRegister(op) ? null : (int)x.Instruction.GetImmediate(op) & Mask(x);
    static int Mask(Lift x) => x.Bits(0) == 64 ? 63 : 31;

    /// <summary>The masked count as a value of <paramref name="t"/>.</summary>
    static V Count(this Lift x, int op, Emu.Ir.Type t) =>
        x.Known(op) is { } n ? x.E.Const(t, n) : (x.E.Get(I8, "rcx") & Mask(x)).Fit(t);

    static void Shift(this Lift x, Op op)
    {
        V a = x.Read(0), count;
        if (x.Known(1) == 0) { x.Write(0, a); return; }
        // Bytes and words are shifted as 32 bits: their counts go to 31.
        var t = a.Type.Bits < 32 ? I32 : a.Type;
        V wide = a.Convert(op == Op.Sar ? Op.Sext : Op.Zext, t);
        count = x.Count(1, t);
        V result = wide.With(op, count).Fit(a.Type);
        x.Write(0, result);
        V carry = op == Op.Shl
            ? a.Type.Bits < 32 ? Bit(wide << count, a.Type.Bits) : (wide << (count - 1 & t.Bits - 1)).Icmp(Predicate.Slt, 0)
            : wide.With(op, count - 1 & t.Bits - 1).Trunc(I1);
        V overflow = op switch
        {
            Op.Shl => result.Icmp(Predicate.Slt, 0) ^ carry,
            Op.Shr => a.Icmp(Predicate.Slt, 0),
            _ => x.E.Const(I1, 0L),
        };
        x.After(x.Known(1) is null ? count.Icmp(Predicate.Ne, 0) : null, result, carry, overflow);
    }

    static V Bit(V v, int n) => (v >> n).Trunc(I1);

    /// <summary>The flags of a shift; when the count is not known they stay as they are for 0.</summary>
    static void After(this Lift x, V? moved, V result, V carry, V overflow)
    {
        if (moved is not { } m)
        {
            x.E.Flags(FlagRule.Result, result, result, result, Flag.S | Flag.Z | Flag.A | Flag.P);
            x.E.SetFlag(Flag.C, carry);
            x.E.SetFlag(Flag.O, overflow);
            return;
        }
        x.SetFlagIf(m, Flag.S, result.Icmp(Predicate.Slt, 0));
        x.SetFlagIf(m, Flag.Z, result.Icmp(Predicate.Eq, 0));
        x.SetFlagIf(m, Flag.P, (result.Trunc(I8).One(Op.Popcnt) & 1).Icmp(Predicate.Eq, 0));
        x.SetFlagIf(m, Flag.C, carry);
        x.SetFlagIf(m, Flag.O, overflow);
    }

    static void Rotate(this Lift x, Op op)
    {
        V a = x.Read(0);
        int top = a.Type.Bits - 1;
        if (x.Known(1) == 0) { x.Write(0, a); return; }
        V masked = x.Count(1, a.Type), count = masked & top;
        V result = x.E.Emit(op, a.Type, null, a, a, count);
        x.Write(0, result);
        bool left = op == Op.Fshl;
        V carry = left ? result.Trunc(I1) : Bit(result, top);
        V overflow = left ? Bit(result, top) ^ carry : Bit(result, top) ^ Bit(result, top - 1);
        x.CarryAndOverflow(x.Known(1) is null ? masked.Icmp(Predicate.Ne, 0) : null, carry, overflow);
    }

    static void CarryAndOverflow(this Lift x, V? moved, V carry, V overflow)
    {
        if (moved is { } m) { x.SetFlagIf(m, Flag.C, carry); x.SetFlagIf(m, Flag.O, overflow); }
        else { x.E.SetFlag(Flag.C, carry); x.E.SetFlag(Flag.O, overflow); }
    }

    /// <summary>Carry and operand are one number of Bits+1 bits; the count is taken modulo that.</summary>
    static void RotateThroughCarry(this Lift x, bool left)
    {
        V a = x.Read(0);
        int bits = a.Type.Bits;
        if (x.Known(1) == 0) { x.Write(0, a); return; }
        V c = x.E.GetFlag(Flag.C), result, carry;
        V? moved = null;
        if (x.Known(1) == 1)
        {
            V into = c.Zext(a.Type);
            result = left ? a << 1 | into : a >> 1 | into << (bits - 1);
            carry = left ? Bit(a, bits - 1) : a.Trunc(I1);
        }
        else
        {
            V joined = a.Zext(I128) | c.Zext(I128) << bits;
            V count = Modulo(x.Count(1, I32), bits + 1).Zext(I128), rest = count.Same(bits + 1) - count;
            V turned = left ? joined << count | joined >> rest : joined >> count | joined << rest;
            result = turned.Trunc(a.Type);
            carry = Bit(turned, bits);
            moved = x.Known(1) is null ? count.Icmp(Predicate.Ne, 0) : null;
        }
        x.Write(0, result);
        V overflow = left ? Bit(result, bits - 1) ^ carry : Bit(result, bits - 1) ^ Bit(result, bits - 2);
        x.CarryAndOverflow(moved, carry, overflow);
    }

    /// <summary>A count of at most 63 modulo 9, 17, 33 or 65.</summary>
    static V Modulo(V count, int n)
    {
        for (int k = n * (31 / n); k >= n && n < 32; k -= n) count = count.E.Select(count.Icmp(Predicate.Uge, k), count - k, count);
        return count;
    }

    static void Double(this Lift x, bool left)
    {
        V a = x.Read(0), b = x.Read(1);
        if (x.Known(2) == 0) { x.Write(0, a); return; }
        int bits = a.Type.Bits;
        V result, carry, count;
        if (bits == 16)
        {
            // Beyond 16 the first operand follows the second one again.
            V all = a.Zext(I64) << 32 | b.Zext(I64) << 16 | a.Zext(I64), before;
            count = x.Count(2, I64);
            before = count - 1 & 31;
            result = left ? (all << count >> 32).Trunc(I16) : (all >> count).Trunc(I16);
            carry = left ? Bit(all << before, 47) : (all >> before).Trunc(I1);
        }
        else
        {
            count = x.Count(2, a.Type);
            result = left ? x.E.Emit(Op.Fshl, a.Type, null, a, b, count) : x.E.Emit(Op.Fshr, a.Type, null, b, a, count);
            V before = count - 1 & bits - 1;
            carry = left ? (a << before).Icmp(Predicate.Slt, 0) : (a >> before).Trunc(I1);
        }
        x.Write(0, result);
        x.After(x.Known(2) is null ? count.Icmp(Predicate.Ne, 0) : null, result, carry, (result ^ a).Icmp(Predicate.Slt, 0));
    }
}
