using Emu.Ir;

namespace Emu.Translator.Lowering;

/// <summary>Where a slot may differ from the state struct ("dirty"), block by block: only those are stored when control leaves.</summary>
/// <remarks>Bits are slot numbers. Registers that travel are never dirty.</remarks>
public sealed class SlotFlow
{
    readonly Dictionary<Label, ulong> entry = [];
    readonly Func<Inst, ulong> writes;
    readonly Func<Inst, bool> saves;
    readonly ulong afterCall;

    /// <param name="writes">The slots that an operation writes.</param>
    /// <param name="atEntry">Dirty when the region is entered.</param>
    /// <param name="afterCall">Dirty when a callee has returned.</param>
    /// <param name="saves">Whether all that is dirty is stored before an operation; nothing is: never.</param>
    public SlotFlow(Function f, Func<Inst, ulong> writes, ulong atEntry, ulong afterCall, Func<Inst, bool>? saves = null)
    {
        (this.writes, this.afterCall, this.saves) = (writes, afterCall, saves ?? (_ => false));
        var blocks = f.Blocks.ToDictionary(b => b.Label);
        var work = new Queue<Label>([f.Blocks[0].Label]);
        entry[f.Blocks[0].Label] = atEntry;
        while (work.TryDequeue(out var label))
        {
            var b = blocks[label];
            ulong dirty = entry[label];
            foreach (var i in b.Code) dirty = After(i, dirty);
            foreach (var to in b.Terminator.Successors())
            {
                if (!blocks.ContainsKey(to)) continue;
                bool seen = entry.TryGetValue(to, out ulong before);
                if (seen && (before | dirty) == before) continue;
                entry[to] = before | dirty;
                work.Enqueue(to);
            }
        }
    }

    /// <summary>Dirty at a block's start; a block that nothing reaches has none.</summary>
    public ulong At(Label block) => entry.GetValueOrDefault(block);

    /// <summary>Dirty after one operation.</summary>
    public ulong After(Inst i, ulong dirty) =>
        i.Op is Op.Helper or Op.Syscall or Op.Deliver or Op.CallTo ? afterCall : (saves(i) ? 0 : dirty) | writes(i);
}
