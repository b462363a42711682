using Emu.Ir;
using Emu.Translator.Passes;

namespace Emu.Translator.Lowering;

/// <summary>
/// Registers for the handlers of faults, where they are asked for (<see cref="Demand.ExactFaults"/>): what has changed is stored before an operation
/// that may fault and at the end of its block, so that the state struct is what a handler must see. Flags only where something will read them.
/// </summary>
public sealed partial class RegionLowering
{
    SlotFlow? unsaved;
    IReadOnlyDictionary<Inst, Flag> flagsAtFaults = new Dictionary<Inst, Flag>();
    ulong changed;

    void MakeFaultState()
    {
        if (demand.ExactFaults == ExactFaults.No) return;
        var live = demand.Before(f.Blocks[0].Label);
        var (entered, returned) = demand.ExactFaults == ExactFaults.Everywhere ? (0, 0)
            : (Bits(s => s.Crossing == Crossing.Travels && s.IsIn(live)), Bits(s => s.Crossing == Crossing.Travels));
        unsaved = new(f, Touched, entered, returned, Saves);
        flagsAtFaults = DeadFlags.Behind(f, demand, MayFault);
    }

    static bool Saves(Inst i) => MayFault(i) || i.Op.Has(Effect.Ends);

    void SaveForFault(Inst i)
    {
        if (unsaved is null) return;
        if (Saves(i)) StoreState(s => (changed & s.Bit) != 0, isVolatile: true);
        StoreFlags(flagsAtFaults.GetValueOrDefault(i), isVolatile: true);
        changed = unsaved.After(i, changed);
    }
}
