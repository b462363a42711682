using Emu.Ir;
using Emu.Translator.Passes;
using LLVMSharp.Interop;

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
        bool travels = demand.ExactFaults == ExactFaults.Inside;
        ulong entered = !travels ? 0 : slots.Values.Where(s => s.Crossing is Crossing.Travels or Crossing.InOnly && s.IsIn(demand.Before(f.Blocks[0].Label))).Aggregate(0ul, (all, s) => all | s.Bit);
        unsaved = new(f, Touched, entered, travels ? Bits(Crossing.Travels) | Bits(Crossing.OutOnly) : 0, Saves);
        flagsAtFaults = DeadFlags.Behind(f, demand, MayFault);
    }

    static bool Saves(Inst i) => MayFault(i) || i.Op.Has(Effect.Ends);

    void SaveForFault(Inst i)
    {
        if (unsaved is null) return;
        // Volatile: LLVM must not see that a later store makes this one useless.
        if (Saves(i)) foreach (var s in slots.Values) if ((changed & s.Bit) != 0) LLVM.SetVolatile(state.Store(Read(s), s.Offset), 1);
        var live = flagsAtFaults.GetValueOrDefault(i);
        for (int n = 0; n < 6; n++) if (((int)live >> n & 1) != 0) LLVM.SetVolatile(state.Store(m.Zext(m.Load(m.I1, flags[n]), m.I8), GuestState.Flags + n), 1);
        changed = unsaved.After(i, changed);
    }
}
