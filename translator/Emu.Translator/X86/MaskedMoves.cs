using Emu.Ir;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;
using Label = Emu.Ir.Label;

namespace Emu.Translator.X86;

/// <summary>Moves of those lanes whose mask has its top bit set (Intel SDM vol. 2, MASKMOVDQU, VMASKMOV, VPMASKMOV). The others are not accessed.</summary>
static class MaskedMoves
{
    public static void Define(Rules r)
    {
        r.Twins("maskmovdqu", StoreBytes);
        foreach (var (name, lane) in new[] { ("vmaskmovps", I32), ("vmaskmovpd", I64), ("vpmaskmovd", I32), ("vpmaskmovq", I64) })
            r.Vex(name, x => { if (x.IsMemory(0)) x.StoreLanes(lane); else x.LoadLanes(lane); });
    }

    /// <summary>Code for each lane that has a mask's top bit, and what follows for every lane.</summary>
    public static void EachLane(this Lift x, int lanes, string mask, IrType lane, Action<int> access, Action<int>? after = null)
    {
        for (int n = 0; n < lanes; n++)
        {
            Label chosen = new(x.Instruction.IP, 2 * n + 1), next = new(x.Instruction.IP, 2 * n + 2);
            x.E.Branch(x.E.Get(lane, mask, n * lane.Bytes).Icmp(Predicate.Slt, 0), chosen, next);
            x.Begin(chosen);
            access(n);
            x.E.Goto(next);
            x.Begin(next);
            after?.Invoke(n);
        }
    }

    static void StoreBytes(Lift x)
    {
        string from = Lift.Full(x.Instruction.Op1Register);
        var pointer = x.Instruction.Op0Kind == Iced.Intel.OpKind.MemorySegEDI ? I32 : I64;
        x.EachLane(16, Lift.Full(x.Instruction.Op2Register), I8, n => x.E.Store((x.E.Get(pointer, "rdi") + n).Zext(I64), x.E.Get(I8, from, n), x.Segment));
    }

    static void StoreLanes(this Lift x, IrType lane)
    {
        string from = Lift.Full(x.Instruction.Op2Register);
        x.EachLane(x.Bits(2) / lane.Bits, Lift.Full(x.Instruction.Op1Register), lane, n => x.E.Store(x.Address(0) + n * lane.Bytes, x.E.Get(lane, from, n * lane.Bytes), x.Segment));
    }

    /// <summary>A lane that faults leaves the destination as it was: the lanes are gathered aside.</summary>
    static void LoadLanes(this Lift x, IrType lane)
    {
        var t = x.Filled(lane);
        x.E.Set("lanes", x.E.Splat(t, 0));
        x.EachLane(t.Lanes, Lift.Full(x.Instruction.Op1Register), lane, n => x.E.Set("lanes", x.E.Load(lane, x.Address(2) + n * lane.Bytes, x.Segment), n * lane.Bytes));
        x.WriteVector(x.E.Get(t, "lanes"));
    }
}
