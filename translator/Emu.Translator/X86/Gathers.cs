using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>Gathers (Intel SDM vol. 2, VPGATHERDD and its like): lane by lane, in order, each written and its mask cleared before
/// the next is loaded: what a fault leaves behind is what it needs to go on.</summary>
static class Gathers
{
    public static void Define(Rules r)
    {
        foreach (var (lane, suffixes) in new[] { (I32, "dd qd dps qps"), (I64, "dq qq dpd qpd") })
            foreach (var s in suffixes.Split(' '))
                r.Vex((s.Length == 2 ? "vpgather" : "vgather") + s, x => x.Gather(lane, s[0] == 'd' ? I32 : I64));
    }

    static void Gather(this Lift x, IrType lane, IrType index)
    {
        ref readonly var i = ref x.Instruction;
        string to = Lift.Full(i.Op0Register), mask = Lift.Full(i.Op2Register);
        int lanes = Math.Min(x.Bits(0) / lane.Bits, i.MemoryIndex.GetSize() * 8 / index.Bits);
        x.EachLane(lanes, mask, lane,
            access: n => x.E.Set(to, x.E.Load(lane, x.Element(index, n), x.Segment), n * lane.Bytes),
            after: n => x.E.Set(mask, x.E.Const(lane, 0), n * lane.Bytes));
        for (int at = lanes * lane.Bytes; at < 32; at += at < 16 ? 8 : 16) x.E.Set(to, x.E.Const(at < 16 ? I64 : I128, 0), at);
        x.E.Set(mask, x.E.Const(I128, 0));
        x.E.Set(mask, x.E.Const(I128, 0), 16);
    }

    /// <summary>The address of one lane: its index is signed, and scaled.</summary>
    static V Element(this Lift x, IrType index, int n)
    {
        ref readonly var i = ref x.Instruction;
        V offset = x.E.Get(index, Lift.Full(i.MemoryIndex), n * index.Bytes).Sext(I64) << System.Numerics.BitOperations.Log2((uint)i.MemoryIndexScale);
        V address = offset + (long)i.MemoryDisplacement64;
        if (i.MemoryBase == Register.None) return address;
        address += x.E.Get(I64, Lift.Full(i.MemoryBase));
        return i.MemoryBase.IsGPR32() ? address.Trunc(I32).Zext(I64) : address;
    }
}
