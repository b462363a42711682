namespace Emu.Translator;

/// <summary>Directed graphs, given as nodes and a function to their successors.</summary>
static class Graph
{
    /// <summary>A number for each node, the same for those that reach each other (Tarjan 1972, without recursion: paths may be as long as the graph).</summary>
    public static Dictionary<T, int> Components<T>(IEnumerable<T> nodes, Func<T, T[]> next) where T : notnull
    {
        Dictionary<T, int> order = [], low = [], component = [];
        var open = new Stack<T>();
        var path = new Stack<(T Node, T[] Next, int At)>();
        foreach (var root in nodes)
        {
            if (order.ContainsKey(root)) continue;
            Enter(root);
            while (path.TryPop(out var top))
            {
                var (node, to, at) = top;
                if (at > 0) Lower(node, to[at - 1]);
                for (; at < to.Length && order.ContainsKey(to[at]); at++) Lower(node, to[at]);
                if (at < to.Length)
                {
                    path.Push((node, to, at + 1));
                    Enter(to[at]);
                }
                else if (low[node] == order[node]) Close(node);
            }
        }
        return component;

        void Enter(T node)
        {
            order[node] = low[node] = order.Count;
            open.Push(node);
            path.Push((node, next(node), 0));
        }

        void Lower(T node, T to)
        {
            if (!component.ContainsKey(to)) low[node] = Math.Min(low[node], low[to]);
        }

        void Close(T head)
        {
            T node;
            do component[node = open.Pop()] = order[head];
            while (!node.Equals(head));
        }
    }

    /// <summary>The edges of a depth-first walk that lead back to a node on the path that it came by: each cycle has one.</summary>
    public static HashSet<(T From, T To)> Retreating<T>(IEnumerable<T> nodes, Func<T, T[]> next) where T : notnull
    {
        HashSet<(T, T)> retreating = [];
        HashSet<T> seen = [], onPath = [];
        var path = new Stack<(T Node, T[] Next, int At)>();
        foreach (var root in nodes)
        {
            if (seen.Add(root)) Enter(root);
            while (path.TryPop(out var top))
            {
                var (node, to, at) = top;
                for (; at < to.Length && !seen.Add(to[at]); at++)
                    if (onPath.Contains(to[at])) retreating.Add((node, to[at]));
                if (at < to.Length)
                {
                    path.Push((node, to, at + 1));
                    Enter(to[at]);
                }
                else onPath.Remove(node);
            }
        }
        return retreating;

        void Enter(T node)
        {
            onPath.Add(node);
            path.Push((node, next(node), 0));
        }
    }

    /// <summary>The sets of nodes that reach each other, a lone one only if it is its own successor.</summary>
    public static IEnumerable<HashSet<T>> Cycles<T>(IEnumerable<T> nodes, Func<T, T[]> next) where T : notnull =>
        Components(nodes, next).GroupBy(c => c.Value, c => c.Key).Select(g => g.ToHashSet()).Where(set => set.Count > 1 || next(set.First()).Contains(set.First()));
}
