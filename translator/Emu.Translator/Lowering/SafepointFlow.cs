using Emu.Ir;
using Emu.Translator.Passes;

namespace Emu.Translator.Lowering;

/// <summary>What a region may still read at the start of each block, slot by slot: what a safepoint there must hand over.</summary>
public sealed class SafepointFlow
{
    /// <summary>Slots by their numbers, and flags.</summary>
    public readonly record struct Live(ulong Slots, Flag Flags)
    {
        public static Live operator |(Live a, Live b) => new(a.Slots | b.Slots, a.Flags | b.Flags);
    }

    readonly Dictionary<Label, Live> live = [];
    readonly Demand demand;
    readonly Func<Inst, (ulong Read, ulong Killed)> slots;
    readonly ulong all;

    /// <param name="slots">The slots that an operation reads, and those that it overwrites as a whole.</param>
    /// <param name="all">Every slot: what is live where control leaves.</param>
    public SafepointFlow(Function f, Demand demand, Func<Inst, (ulong Read, ulong Killed)> slots, ulong all)
    {
        (this.demand, this.slots, this.all) = (demand, slots, all);
        foreach (var b in f.Blocks) live[b.Label] = default;
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int n = f.Blocks.Count - 1; n >= 0; n--)
            {
                var b = f.Blocks[n];
                var now = b.Code.AsEnumerable().Reverse().Aggregate(AtEnd(b.Terminator), Before);
                if (now == live[b.Label]) continue;
                live[b.Label] = now;
                changed = true;
            }
        }
    }

    public Live At(Label block) => live[block];

    Live AtEnd(Inst end)
    {
        var now = new Live(Leaves(end) ? all : 0, Demand.Flags(demand.AtExit(end)));
        if (end.Op == Op.CallTo) return now;
        foreach (var to in end.Successors()) now |= live.TryGetValue(to, out var inside) ? inside : new(all, Demand.Flags(demand.AtEdge(to)));
        return now;
    }

    static bool Leaves(Inst end) => end.Op is not (Op.Goto or Op.Branch);

    Live Before(Live after, Inst i)
    {
        var (read, killed) = slots(i);
        return new(after.Slots & ~killed | read, after.Flags & ~i.FlagsWritten() | i.FlagsRead());
    }
}
