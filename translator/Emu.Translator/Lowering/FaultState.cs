using Emu.Ir;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>
/// Registers for the handlers of faults: before an operation that may fault, what has changed since the last one is stored, so that the state
/// struct is what a handler must see. Flags that nothing reads are not kept. Only where it is asked for (<see cref="Passes.Demand.ExactFaults"/>).
/// </summary>
public sealed partial class RegionLowering
{
    SlotFlow? unsaved, unsavedFlags;
    ulong changed, changedFlags;

    void MakeFaultState()
    {
        if (!demand.ExactFaults) return;
        var live = demand.Before(f.Blocks[0].Label);
        ulong Crossing(params Crossing[] which) => slots.Values.Where(s => which.Contains(s.Crossing)).Aggregate(0ul, (all, s) => all | s.Bit);
        ulong entered = slots.Values.Where(s => s.Crossing is Lowering.Crossing.Travels or Lowering.Crossing.InOnly && s.IsIn(live)).Aggregate(0ul, (all, s) => all | s.Bit);
        unsaved = new(f, Touched, entered, Crossing(Lowering.Crossing.Travels, Lowering.Crossing.OutOnly), MayFault);
        unsavedFlags = new(f, TouchedFlags, 0, 0, MayFault);
    }

    static ulong TouchedFlags(Inst i) => i.Detail switch { Detail.FlagWrite w => (ulong)w.Live, Detail.OneFlag f when i.Op == Op.SetFlag => (ulong)f.Flag, _ => 0 };

    void BeginFaultState(Block b) => (changed, changedFlags) = (unsaved?.At(b.Label) ?? 0, unsavedFlags?.At(b.Label) ?? 0);

    void SaveForFault(Inst i)
    {
        if (unsaved is null) return;
        if (MayFault(i))
        {
            // Volatile: LLVM must not see that a later store makes this one useless.
            foreach (var s in slots.Values) if ((changed & s.Bit) != 0) LLVM.SetVolatile(state.Store(Read(s), s.Offset), 1);
            for (int n = 0; n < 6; n++) if ((changedFlags >> n & 1) != 0) LLVM.SetVolatile(state.Store(m.Zext(m.Load(m.I1, flags[n]), m.I8), GuestState.Flags + n), 1);
        }
        (changed, changedFlags) = (unsaved.After(i, changed), unsavedFlags!.After(i, changedFlags));
    }
}
