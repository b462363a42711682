using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>Integer arithmetic and logic (Intel SDM vol. 1, 5.1.2 and 5.1.4).</summary>
static class Integer
{
    public static void Define(Rules r)
    {
        r.Alu(Add, Op.Add, FlagRule.Add);
        r.Alu(Sub, Op.Sub, FlagRule.Sub);
        r.Alu(And, Op.And, FlagRule.Logic);
        r.Alu(Or, Op.Or, FlagRule.Logic);
        r.Alu(Xor, Op.Xor, FlagRule.Logic);
        r.Alu(Cmp, Op.Sub, FlagRule.Sub, keep: false);
        r.Alu(Test, Op.And, FlagRule.Logic, keep: false);
        r.Carry(Adc, Op.Add, FlagRule.Adc);
        r.Carry(Sbb, Op.Sub, FlagRule.Sbb);
        r.Step(Inc, Op.Add, FlagRule.Add);
        r.Step(Dec, Op.Sub, FlagRule.Sub);
        r[Not] = x => x.Modify(Op.Xor, x.E.Const(x.Type(0), -1L));
        r[Neg] = Negate;
        r[Xadd] = ExchangeAdd;
        r[Cmpxchg] = CompareExchange;
        r[Cmpxchg8b] = x => x.CompareExchangePair(I32);
        r[Cmpxchg16b] = x => x.CompareExchangePair(I64);
        r[Clc] = x => x.E.SetFlag(Flag.C, x.E.Const(I1, 0L));
        r[Stc] = x => x.E.SetFlag(Flag.C, x.E.Const(I1, 1L));
        r[Cmc] = x => x.E.SetFlag(Flag.C, ~x.E.GetFlag(Flag.C));
    }

    static void Alu(this Rules r, Mnemonic m, Op op, FlagRule flags, bool keep = true) => r[m] = x =>
    {
        if (keep) { var (old, operand, now) = x.Modify(op, x.Read(1)); x.E.Flags(flags, old, operand, now); return; }
        V a = x.Read(0), b = x.Read(1);
        x.E.Flags(flags, a, b, a.With(op, b));
    };

    static void Carry(this Rules r, Mnemonic m, Op op, FlagRule flags) => r[m] = x =>
    {
        V carry = x.E.Cond(Cc.B).Zext(x.Type(0)), b = x.Read(1);
        if (x.Locked)
        {
            V old = x.E.Rmw(op, x.Address(0), b + carry, x.Segment);
            x.E.Flags(flags, old, b, old.With(op, b).With(op, carry));
            return;
        }
        V a = x.Read(0), result = a.With(op, b).With(op, carry);
        x.Write(0, result);
        x.E.Flags(flags, a, b, result);
    };

    /// <summary>inc and dec leave the carry alone.</summary>
    static void Step(this Rules r, Mnemonic m, Op op, FlagRule flags) => r[m] = x =>
    {
        var (old, one, now) = x.Modify(op, x.E.Const(x.Type(0), 1L));
        x.E.Flags(flags, old, one, now, Flag.All & ~Flag.C);
    };

    /// <summary>Operand 0 becomes itself <paramref name="op"/> b, atomically when locked; gives the old value, b and the new one.</summary>
    public static (V Old, V B, V Now) Modify(this Lift x, Op op, V b)
    {
        if (x.Locked)
        {
            V before = x.E.Rmw(op, x.Address(0), b, x.Segment);
            return (before, b, before.With(op, b));
        }
        V a = x.Read(0), result = a.With(op, b);
        x.Write(0, result);
        return (a, b, result);
    }

    static void Negate(Lift x)
    {
        if (x.Locked)
        {
            V minusOne = x.E.Const(x.Type(0), -1L), old = x.E.Rmw(Op.Mul, x.Address(0), minusOne, x.Segment);
            x.E.Flags(FlagRule.Sub, minusOne.Same(0), old, -old);
            return;
        }
        V zero = x.E.Const(x.Type(0), 0L), a = x.Read(0), result = zero - a;
        x.Write(0, result);
        x.E.Flags(FlagRule.Sub, zero, a, result);
    }

    static void ExchangeAdd(Lift x)
    {
        V b = x.Read(1);
        if (x.Locked)
        {
            V before = x.E.Rmw(Op.Add, x.Address(0), b, x.Segment);
            x.Write(1, before);
            x.E.Flags(FlagRule.Add, before, b, before + b);
            return;
        }
        V a = x.Read(0), result = a + b;
        if (x.IsMemory(0)) { x.Write(0, result); x.Write(1, a); }
        else { x.Write(1, a); x.Write(0, result); }
        x.E.Flags(FlagRule.Add, a, b, result);
    }

    static void CompareExchange(Lift x)
    {
        V expected = x.E.Get(x.Type(0), "rax"), desired = x.Read(1);
        V old = x.IsMemory(0) ? x.E.CmpXchg(x.Address(0), expected, desired, x.Segment) : x.Read(0);
        V same = old.Icmp(Predicate.Eq, expected);
        // A 32-bit destination or accumulator that is not replaced keeps its upper half.
        if (x.IsRegister(0)) x.WriteIf(same, x.Instruction.Op0Register, desired);
        x.WriteIf(~same, AccumulatorLike(x), old);
        x.E.Flags(FlagRule.Sub, expected, old, expected - old);
    }

    static Register AccumulatorLike(Lift x) => x.Bits(0) switch { 8 => Register.AL, 16 => Register.AX, 32 => Register.EAX, _ => Register.RAX };

    static void WriteIf(this Lift x, V condition, Register to, V v)
    {
        string full = Lift.Full(to);
        if (to.IsGPR32()) x.E.Set(full, x.E.Select(condition, v.Zext(I64), x.E.Get(I64, full)));
        else x.WriteRegister(to, x.E.Select(condition, v, x.ReadRegister(to, v.Type)));
    }

    static void CompareExchangePair(this Lift x, Emu.Ir.Type half)
    {
        var whole = Int(half.Bits * 2);
        V Pair(string high, string low) => x.E.Get(half, high).Zext(whole) << half.Bits | x.E.Get(half, low).Zext(whole);
        V expected = Pair("rdx", "rax"), old = x.E.CmpXchg(x.Address(0), expected, Pair("rcx", "rbx"), x.Segment), same = old.Icmp(Predicate.Eq, expected);
        foreach (var (name, part) in new[] { ("rax", old.Trunc(half)), ("rdx", (old >> half.Bits).Trunc(half)) })
            x.E.Set(name, x.E.Select(same, x.E.Get(I64, name), part.Zext(I64)));
        x.E.SetFlag(Flag.Z, same);
    }
}
