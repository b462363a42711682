using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>Blocks that can follow themselves without a call in between: where latency counts.</summary>
public static class Loops
{
    /// <summary>The strongly connected components with an edge inside (Tarjan 1972), all in one set; calls cut cycles.</summary>
    public static HashSet<Label> Of(Function f)
    {
        var blocks = f.Blocks.ToDictionary(b => b.Label);
        Label[] Next(Label b) => blocks[b].Terminator.Op is Op.CallTo or Op.Syscall ? [] : [.. blocks[b].Terminator.Successors().Where(blocks.ContainsKey).Distinct()];
        var order = new Dictionary<Label, int>();
        var low = new Dictionary<Label, int>();
        var stack = new Stack<Label>();
        var open = new HashSet<Label>();
        var loops = new HashSet<Label>();
        foreach (var root in f.Blocks) if (!order.ContainsKey(root.Label)) Visit(root.Label);
        return loops;

        // Without recursion: a region's path may be as long as the region.
        void Visit(Label root)
        {
            var path = new Stack<(Label Block, Label[] Next, int At)>();
            Enter(root);
            while (path.TryPop(out var top))
            {
                if (top.At > 0) low[top.Block] = Math.Min(low[top.Block], low[top.Next[top.At - 1]]);
                int at = top.At;
                while (at < top.Next.Length && order.ContainsKey(top.Next[at]))
                {
                    if (open.Contains(top.Next[at])) low[top.Block] = Math.Min(low[top.Block], order[top.Next[at]]);
                    at++;
                }
                if (at < top.Next.Length) { path.Push((top.Block, top.Next, at + 1)); Enter(top.Next[at]); }
                else if (low[top.Block] == order[top.Block]) Close(top.Block, top.Next);
            }

            void Enter(Label b)
            {
                order[b] = low[b] = order.Count;
                stack.Push(b);
                open.Add(b);
                path.Push((b, Next(b), 0));
            }
        }

        void Close(Label head, Label[] next)
        {
            bool single = stack.Peek() == head;
            for (Label b = stack.Pop(); ; b = stack.Pop())
            {
                open.Remove(b);
                if (!single || next.Contains(head)) loops.Add(b);
                if (b == head) return;
            }
        }
    }
}
