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
    /// <param name="part">The number of the first block: an instruction may go through its lanes more than once.</param>
    public static void EachLane(this Lift x, int lanes, string mask, IrType lane, Action<int> access, Action<int>? after = null, int part = 1)
    {
        for (int n = 0; n < lanes; n++)
        {
            Label chosen = new(x.Instruction.IP, part++), next = new(x.Instruction.IP, part++);
            x.E.Branch(x.E.Get(lane, mask, n * lane.Bytes).Icmp(Predicate.Slt, 0), chosen, next);
            x.Begin(chosen);
            access(n);
            x.E.Goto(next);
            x.Begin(next);
            after?.Invoke(n);
        }
    }

    /// <summary>Stores the chosen lanes, or faults and has stored none: where the operand reaches into a second page, every lane is tried first.</summary>
    public static void StoreEachLane(this Lift x, int lanes, string mask, IrType lane, Func<V> address, Func<int, V> value)
    {
        const int page = 4096;
        Label crossing = new(x.Instruction.IP, 1), good = new(x.Instruction.IP, 2);
        x.E.Branch((Place() & (page - 1)).Icmp(Predicate.Ugt, page - lanes * lane.Bytes), crossing, good);
        x.Begin(crossing);
        x.EachLane(lanes, mask, lane, n => { Try(n * lane.Bytes); if (lane.Bytes > 1) Try((n + 1) * lane.Bytes - 1); }, part: 3);
        x.E.Goto(good);
        x.Begin(good);
        x.EachLane(lanes, mask, lane, n => x.E.Store(address() + n * lane.Bytes, value(n), x.Segment), part: 3 + 2 * lanes);

        V Place() => x.Segment is { } s ? address() + x.E.Get(I64, s + "base") : address();
        void Try(int at) => x.E.Native("touch", I64, null, Place() + at);
    }

    static void StoreBytes(Lift x)
    {
        string from = Lift.Full(x.Instruction.Op1Register);
        x.StoreEachLane(16, Lift.Full(x.Instruction.Op2Register), I8, x.StringPointer, n => x.E.Get(I8, from, n));
    }

    /// <summary>Where maskmovdqu and maskmovq store: rdi, or edi.</summary>
    public static V StringPointer(this Lift x) => x.E.Get(x.Instruction.Op0Kind == Iced.Intel.OpKind.MemorySegEDI ? I32 : I64, "rdi").Zext(I64);

    static void StoreLanes(this Lift x, IrType lane)
    {
        string from = Lift.Full(x.Instruction.Op2Register);
        x.StoreEachLane(x.Bits(2) / lane.Bits, Lift.Full(x.Instruction.Op1Register), lane, () => x.Address(0), n => x.E.Get(lane, from, n * lane.Bytes));
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
