namespace Emu.Translator.Discovery;

/// <summary>Where cycles of calls and jumps between regions are entered: one place on each at least.</summary>
public static class Cycles
{
    /// <summary>
    /// The roots that a call or jump goes back to: the target's address is not above the caller's, and the target can reach the caller. Every
    /// cycle has such an edge, wherever it starts. Indirect edges are not looked at: they are checked where they are.
    /// </summary>
    public static HashSet<ulong> Entries(Program program)
    {
        var targets = program.Regions.ToDictionary(r => r.Root, r => Targets(r).Where(t => program.RegionAt(t) != null).Distinct().ToArray());
        var component = Components(program.Regions.Select(r => r.Root), r => targets[r]);
        return [.. targets.SelectMany(t => t.Value.Where(to => to <= t.Key && component[to] == component[t.Key]))];
    }

    static IEnumerable<ulong> Targets(GuestRegion region)
    {
        foreach (var b in region.Blocks)
        {
            foreach (ulong exit in b.Exits) yield return exit;
            if (b.End == BlockEnd.Call) yield return b.Instructions[^1].NearBranchTarget;
        }
    }

    /// <summary>A number for each node, the same for those that reach each other (Tarjan 1972, without recursion).</summary>
    static Dictionary<ulong, int> Components(IEnumerable<ulong> nodes, Func<ulong, ulong[]> next)
    {
        Dictionary<ulong, int> order = [], low = [], component = [];
        var open = new Stack<ulong>();
        var path = new Stack<(ulong Node, int At)>();
        foreach (ulong root in nodes)
        {
            if (order.ContainsKey(root)) continue;
            Enter(root);
            while (path.TryPop(out var top))
            {
                var (node, at) = top;
                if (at > 0) Lower(node, next(node)[at - 1]);
                for (; at < next(node).Length && order.ContainsKey(next(node)[at]); at++) Lower(node, next(node)[at]);
                if (at < next(node).Length)
                {
                    path.Push((node, at + 1));
                    Enter(next(node)[at]);
                }
                else if (low[node] == order[node]) Close(node);
            }
        }
        return component;

        void Enter(ulong node)
        {
            order[node] = low[node] = order.Count;
            open.Push(node);
            path.Push((node, 0));
        }

        void Lower(ulong node, ulong to)
        {
            if (!component.ContainsKey(to)) low[node] = Math.Min(low[node], low[to]);
        }

        void Close(ulong head)
        {
            ulong node;
            do component[node = open.Pop()] = order[head];
            while (node != head);
        }
    }
}
