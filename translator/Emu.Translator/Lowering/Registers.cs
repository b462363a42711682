using Emu.Ir;
using LLVMSharp.Interop;
using Type = Emu.Ir.Type;

namespace Emu.Translator.Lowering;

/// <summary>Reading and writing runs of bytes in guest registers, always through whole slots so that mem2reg sees no partial access.</summary>
public sealed partial class RegionLowering
{
    LLVMValueRef GetRegister(Reg r, Type t)
    {
        if (!IsVector(r.Name)) return FromInteger(Read(r.Name), 8 * GuestState.SizeOf(r.Name), r.Byte, t);
        if (t.TotalBits <= 128) return FromVector(Read(slots[Key(r.Name, r.Byte / 16)]), r.Byte % 16, t);
        var whole = m.Shuffle(Read(slots[Key(r.Name, 0)]), Read(slots[Key(r.Name, 1)]), [0, 1, 2, 3]);
        return m.Bits(whole, m.Type(t));
    }

    void SetRegister(Reg r, Type t, LLVMValueRef v)
    {
        if (!IsVector(r.Name)) { Write(slots[r.Name], IntoInteger(r.Name, r.Byte, t, v)); return; }
        if (t.TotalBits <= 128) { SetHalf(slots[Key(r.Name, r.Byte / 16)], r.Byte % 16, t, v); return; }
        var whole = m.Bits(v, m.Vector(m.I64, 4));
        Write(slots[Key(r.Name, 0)], m.Shuffle(whole, whole, [0, 1]));
        Write(slots[Key(r.Name, 1)], m.Shuffle(whole, whole, [2, 3]));
    }

    LLVMValueRef FromInteger(LLVMValueRef whole, int bits, int at, Type t)
    {
        var v = at == 0 ? whole : m.Shr(whole, m.Const(m.Int(bits), (ulong)(8 * at)));
        if (t.TotalBits < bits) v = m.Trunc(v, m.Int(t.TotalBits));
        return m.Bits(v, m.Type(t));
    }

    LLVMValueRef IntoInteger(string register, int at, Type t, LLVMValueRef v)
    {
        int bits = 8 * GuestState.SizeOf(register);
        v = m.Bits(v, m.Int(t.TotalBits));
        if (t.TotalBits == bits) return v;
        var whole = m.Int(bits);
        ulong mask = ((1ul << t.TotalBits) - 1) << (8 * at);
        var kept = m.And(Read(register), m.Const(whole, ~mask));
        var part = m.Zext(v, whole);
        return m.Or(kept, at == 0 ? part : m.Shl(part, m.Const(whole, (ulong)(8 * at))));
    }

    /// <summary>Lanes as wide as the value: it is one of them.</summary>
    (LLVMTypeRef Vector, LLVMTypeRef Lane, int Index) LaneOf(Type t, int at)
    {
        var lane = t.IsVector ? m.Int(t.TotalBits) : m.Type(t);
        return (m.Vector(lane, 128 / t.TotalBits), lane, 8 * at / t.TotalBits);
    }

    LLVMValueRef FromVector(LLVMValueRef half, int at, Type t)
    {
        if (t.TotalBits == 128) return m.Bits(half, m.Type(t));
        var (vector, _, index) = LaneOf(t, at);
        return m.Bits(m.ExtractElement(m.Bits(half, vector), index), m.Type(t));
    }

    void SetHalf(Slot slot, int at, Type t, LLVMValueRef v)
    {
        if (t.TotalBits == 128) { Write(slot, m.Bits(v, slot.Type)); return; }
        var (vector, lane, index) = LaneOf(t, at);
        var changed = m.InsertElement(m.Bits(Read(slot), vector), m.Bits(v, lane), index);
        Write(slot, m.Bits(changed, slot.Type));
    }
}
