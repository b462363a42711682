using Emu.Ir;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>Flags as LLVM values, in the forms that LLVM folds: a condition right after its compare becomes a single icmp.</summary>
public sealed partial class RegionLowering
{
    void WriteFlags(Detail.FlagWrite w, int bits, LLVMValueRef a, LLVMValueRef b, LLVMValueRef r)
    {
        var t = m.Int(bits);
        var zero = m.Const(t, 0);
        bool subtracts = w.Rule is FlagRule.Sub or FlagRule.Sbb, computes = w.Rule is FlagRule.Add or FlagRule.Adc || subtracts;
        LLVMValueRef Negative(LLVMValueRef v) => m.Icmp(LLVMIntPredicate.LLVMIntSLT, v, zero);
        void Put(Flag f, Func<LLVMValueRef> v) { if ((w.Live & f) != 0) Write(f, v()); }

        Put(Flag.S, () => Negative(r));
        Put(Flag.Z, () => w.Rule == FlagRule.Sub ? m.Icmp(LLVMIntPredicate.LLVMIntEQ, a, b) : m.Icmp(LLVMIntPredicate.LLVMIntEQ, r, zero));
        Put(Flag.C, () => w.Rule switch
        {
            FlagRule.Sub => m.Icmp(LLVMIntPredicate.LLVMIntULT, a, b),
            FlagRule.Add => m.Icmp(LLVMIntPredicate.LLVMIntULT, r, a),
            FlagRule.Adc => Carry(LLVMIntPredicate.LLVMIntULT, m.Add(a, b), a, r),
            FlagRule.Sbb => Borrow(a, b, r),
            _ => m.Const(m.I1, 0),
        });
        // For sub: sf != (a < b). The bitwise form does not fold to one comparison [measured].
        Put(Flag.O, () => w.Rule switch
        {
            FlagRule.Sub => m.Xor(Negative(r), m.Icmp(LLVMIntPredicate.LLVMIntSLT, a, b)),
            FlagRule.Sbb => Negative(m.And(m.Xor(a, b), m.Xor(a, r))),
            FlagRule.Add or FlagRule.Adc => Negative(m.And(m.Xor(a, r), m.Xor(b, r))),
            _ => m.Const(m.I1, 0),
        });
        Put(Flag.A, () => computes ? m.Trunc(m.Shr(m.Zext(m.Trunc(m.Xor(m.Xor(a, b), r), m.I8), m.I32), m.Const(m.I32, 4)), m.I1) : m.Const(m.I1, 0));
        Put(Flag.P, () => Parity(bits == 8 ? r : m.Trunc(r, m.I8)));
    }

    /// <summary>r = sum + carry-in, sum = a + b: a carry out of either addition. The shape of LLVM's add-with-carry.</summary>
    LLVMValueRef Carry(LLVMIntPredicate less, LLVMValueRef sum, LLVMValueRef a, LLVMValueRef r) =>
        m.Or(m.Icmp(less, sum, a), m.Icmp(less, r, sum));

    LLVMValueRef Borrow(LLVMValueRef a, LLVMValueRef b, LLVMValueRef r) =>
        m.Or(m.Icmp(LLVMIntPredicate.LLVMIntULT, a, b), m.Icmp(LLVMIntPredicate.LLVMIntUGT, r, m.Sub(a, b)));

    LLVMValueRef Parity(LLVMValueRef low) =>
        m.Not(m.Trunc(m.Intrinsic("llvm.ctpop", m.I8, low), m.I1));

    LLVMValueRef Condition(Cc cc)
    {
        var holds = ((int)cc >> 1) switch
        {
            0 => Read(Flag.O),
            1 => Read(Flag.C),
            2 => Read(Flag.Z),
            3 => m.Or(Read(Flag.C), Read(Flag.Z)),
            4 => Read(Flag.S),
            5 => Read(Flag.P),
            6 => m.Xor(Read(Flag.S), Read(Flag.O)),
            _ => m.Or(Read(Flag.Z), m.Xor(Read(Flag.S), Read(Flag.O))),
        };
        return ((int)cc & 1) == 1 ? m.Not(holds) : holds;
    }

    /// <summary>RFLAGS as user mode sees it: status flags, DF, IF and the bit that is always one (Intel SDM vol. 1, 3.4.3).</summary>
    LLVMValueRef Rflags()
    {
        var all = m.Or(m.Const(0x202), m.Shl(m.Zext(Read("df"), m.I64), m.Const(10)));
        foreach (var (flag, _, bit) in GuestState.FlagBytes) all = m.Or(all, m.Shl(m.Zext(Read(flag), m.I64), m.Const((ulong)bit)));
        return all;
    }
}
