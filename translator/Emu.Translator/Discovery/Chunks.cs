namespace Emu.Translator.Discovery;

/// <summary>Cuts the blocks of a large body, in control flow order, into chunks below a limit of instructions, where few jumps cross.</summary>
internal static class Chunks
{
    /// <summary>The number of the chunk of each block.</summary>
    public static Dictionary<Block, int> Cut(List<Block> body, int limit)
    {
        var ordered = Order(body);
        var crossings = Crossings(ordered);
        var chunkOf = new Dictionary<Block, int>();
        for (var (chunk, start) = (0, 0); start < ordered.Length; chunk++)
        {
            var end = EndOf(start, ordered, crossings, limit);
            for (; start < end; start++) chunkOf[ordered[start]] = chunk;
        }
        return chunkOf;
    }

    /// <summary>Reverse postorder of a depth-first walk from the root: a block comes near those that lead to it.</summary>
    static Block[] Order(List<Block> body)
    {
        var (inside, seen, order) = (body.ToHashSet(), new HashSet<Block> { body[0] }, new List<Block>());
        var path = new Stack<(Block Block, int Next)>([(body[0], 0)]);
        while (path.TryPop(out var top))
        {
            if (top.Next == top.Block.NextBlocks.Length)
            {
                order.Add(top.Block);
                continue;
            }
            path.Push((top.Block, top.Next + 1));
            if (top.Block.NextBlocks[top.Next] is { } next && inside.Contains(next) && seen.Add(next)) path.Push((next, 0));
        }
        order.Reverse();
        return [.. order];
    }

    /// <summary>The cheapest place to cut in the last three quarters of the longest chunk possible from a start.</summary>
    static int EndOf(int start, Block[] ordered, int[] crossings, int limit)
    {
        var (size, best) = (0, -1);
        for (var i = start; i < ordered.Length; i++)
        {
            if (i > start && (best < 0 || size >= limit / 4 && crossings[i] <= crossings[best])) best = i;
            size += ordered[i].Instructions.Length;
            if (size > limit && i > start) return best;
        }
        return ordered.Length;
    }

    /// <summary>How many targets would become roots by a cut in front of each block: those with a jump from the other side.</summary>
    static int[] Crossings(Block[] ordered)
    {
        var number = new Dictionary<Block, int>();
        foreach (var block in ordered) number[block] = number.Count;
        var spans = new (int First, int Last)[ordered.Length];
        for (var i = 0; i < ordered.Length; i++) spans[i] = (i, i);
        foreach (var block in ordered)
            foreach (var next in block.NextBlocks)
                if (next is not null && number.TryGetValue(next, out var n))
                    spans[n] = (Math.Min(spans[n].First, number[block]), Math.Max(spans[n].Last, number[block]));
        var crossings = new int[ordered.Length + 1];
        foreach (var (first, last) in spans)
        {
            crossings[first + 1]++;
            crossings[last + 1]--;
        }
        for (var i = 1; i < crossings.Length; i++) crossings[i] += crossings[i - 1];
        return crossings;
    }
}
