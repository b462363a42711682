using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>Narrows every flag write to the flags that something reads before the next write, over the region's whole CFG.</summary>
public static class DeadFlags
{
    public static void Run(Function f, Demand demand)
    {
        var live = Live(f, demand);
        foreach (var b in f.Blocks) Narrow(b, AtEnd(b, live, demand));
    }

    /// <summary>What is read behind each operation that is asked for, before it is written again.</summary>
    public static IReadOnlyDictionary<Inst, Flag> Behind(Function f, Demand demand, Func<Inst, bool> which)
    {
        var live = Live(f, demand);
        var found = new Dictionary<Inst, Flag>();
        foreach (var b in f.Blocks)
        {
            var now = AtEnd(b, live, demand);
            foreach (var i in b.Code.AsEnumerable().Reverse())
            {
                if (which(i)) found[i] = now;
                now = now & ~i.FlagsWritten() | i.FlagsRead();
            }
        }
        return found;
    }

    /// <summary>Live at the start of each block.</summary>
    static Dictionary<Label, Flag> Live(Function f, Demand demand)
    {
        var live = f.Blocks.ToDictionary(b => b.Label, _ => Flag.None);
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (var b in Enumerable.Reverse(f.Blocks))
            {
                var now = AtEnd(b, live, demand);
                for (int n = b.Code.Count; n-- > 0;) now = now & ~b.Code[n].FlagsWritten() | b.Code[n].FlagsRead();
                if (now == live[b.Label]) continue;
                live[b.Label] = now;
                changed = true;
            }
        }
        return live;
    }

    /// <summary>What is live behind the terminator: in successors, and outside where control leaves.</summary>
    static Flag AtEnd(Block b, Dictionary<Label, Flag> live, Demand demand) => b.Terminator.Op switch
    {
        _ when b.Terminator.Successors().Any(to => demand.Guard.MayLeave(b, to)) => Flag.All,
        Op.Goto or Op.Branch => b.Terminator.Successors().Aggregate(Flag.None, (all, to) => all | (live.TryGetValue(to, out var inside) ? inside : Demand.Flags(demand.AtEdge(to)))),
        Op.Syscall or Op.Deliver => Flag.All,
        Op.Trap => demand.ExactFaults != ExactFaults.No ? Flag.All : Flag.None,
        _ => Demand.Flags(demand.Behind(b)),
    };

    static void Narrow(Block b, Flag live)
    {
        for (int n = b.Code.Count - 1; n >= 0; n--)
        {
            var i = b.Code[n];
            var written = i.FlagsWritten();
            if (i.Detail is Detail.FlagWrite w) i.Detail = w with { Live = w.Live & live };
            if (written != Flag.None && (written & live) == Flag.None) b.Code.RemoveAt(n);
            live = live & ~written | i.FlagsRead();
        }
    }
}
