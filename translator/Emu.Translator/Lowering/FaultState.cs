using Emu.Ir;
using Emu.Translator.Passes;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>
/// Registers for the handlers of faults, where they are asked for (<see cref="Demand.ExactFaults"/>): what has changed is stored before an operation
/// that may fault and where the region is left, so that the state struct is what a handler must see. Flags only where something will read them.
/// </summary>
public sealed partial class RegionLowering
{
    SlotFlow? unsaved;
    IReadOnlyDictionary<Inst, Flag> flagsAtFaults = new Dictionary<Inst, Flag>();
    LLVMValueRef stateAddress;
    ulong changed;

    void MakeFaultState()
    {
        if (demand.ExactFaults == ExactFaults.No) return;
        var live = demand.Before(f.Blocks[0].Label);
        var (entered, returned) = demand.ExactFaults == ExactFaults.Everywhere ? (0, 0)
            : (Bits(s => s.Crossing == Crossing.Travels && s.IsIn(live)), Bits(s => s.Crossing == Crossing.Travels));
        unsaved = new(f, Touched, entered, returned, Saves);
        stateAddress = state.InRegister();
        flagsAtFaults = DeadFlags.Behind(f, demand, MayFault);
    }

    /// <summary>Where the state has everything, what nobody hands over is there, too: a handler sees it, and a part of it may be overwritten.</summary>
    void TakeRest(Transient handedOver)
    {
        if (demand.ExactFaults != ExactFaults.Everywhere) return;
        LoadState(s => !s.IsIn(handedOver));
        LoadFlags(Demand.Flags(~handedOver));
    }

    bool Saves(Inst i) => MayFault(i) || i.Op.Has(Effect.Ends) && !StaysInside(i);

    bool StaysInside(Inst i) => demand.Guard.Kind == GuardKind.None && i.Op is (Op.Goto or Op.Branch) && i.Successors().All(blocks.ContainsKey);

    void SaveForFault(Inst i)
    {
        if (unsaved is null) return;
        if (Saves(i)) foreach (var s in slots.Values) if ((changed & s.Bit) != 0) state.StoreAt(stateAddress, Read(s), s.Offset);
        for (int n = 0; n < 6; n++) if (((int)flagsAtFaults.GetValueOrDefault(i) >> n & 1) != 0) state.StoreAt(stateAddress, FlagByte(n), GuestState.Flags + n);
        changed = unsaved.After(i, changed);
    }
}
