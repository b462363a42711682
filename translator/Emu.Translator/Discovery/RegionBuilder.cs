namespace Emu.Translator.Discovery;

/// <summary>
/// Groups blocks into regions. A region ends at barriers (roots that are functions). A body above the limit is cut into chunks:
/// targets of jumps between chunks become roots and barriers, so that code is hardly ever duplicated.
/// </summary>
internal sealed class RegionBuilder(BlockMap blocks, IReadOnlyList<Root> roots, int limit)
{
    readonly SortedDictionary<ulong, RootReason> reasons = new(roots.ToDictionary(r => r.Address, r => r.Reason));
    int visit;

    /// <summary>All regions by root, with the roots that had to be made.</summary>
    public List<(Root Root, GuestRegion Region)> Build()
    {
        foreach (var root in roots)
            if (root.IsBarrier && blocks[root.Address] is { } block)
                block.IsBarrier = true;
        Split(roots.Where(r => r.IsBarrier));
        Split(roots.Where(r => !r.IsBarrier));
        return [.. reasons.Where(r => blocks[r.Key] is not null).Select(r => (new Root(r.Key, r.Value), Region(blocks[r.Key]!)))];
    }

    /// <summary>Makes roots until no region from these roots is above the limit.</summary>
    void Split(IEnumerable<Root> from)
    {
        var pending = new Queue<ulong>(from.Select(r => r.Address));
        while (pending.TryDequeue(out var root))
        {
            if (blocks[root] is not { } first) continue;
            var body = Body(first);
            if (body.Sum(b => b.Instructions.Length) <= limit) continue;
            foreach (var target in CrossChunkTargets(body))
            {
                reasons[target.Address] = reasons.GetValueOrDefault(target.Address) | RootReason.Split;
                if (!target.IsBarrier) pending.Enqueue(target.Address);
                target.IsBarrier = true;
            }
            pending.Enqueue(root);
        }
    }

    /// <summary>Blocks that a jump from another chunk reaches.</summary>
    List<Block> CrossChunkTargets(List<Block> body)
    {
        var chunkOf = Chunks.Cut(body, limit);
        return [.. body.SelectMany(b => b.NextBlocks.OfType<Block>().Where(n => chunkOf.TryGetValue(n, out var c) && c != chunkOf[b])).Distinct().OrderBy(b => b.Address)];
    }

    /// <summary>Blocks reachable from a root without entering another barrier; they carry the number of this visit.</summary>
    List<Block> Body(Block root)
    {
        root.Visit = ++visit;
        var body = new List<Block> { root };
        for (var i = 0; i < body.Count; i++)
            foreach (var next in body[i].NextBlocks)
                if (next is { IsBarrier: false } && next.Visit != visit)
                {
                    next.Visit = visit;
                    body.Add(next);
                }
        return body;
    }

    GuestRegion Region(Block root)
    {
        var body = Body(root);
        body.Sort(1, body.Count - 1, Comparer<Block>.Create((a, b) => a.Address.CompareTo(b.Address)));
        return new(root.Address, body.ConvertAll(ToGuest));
    }

    /// <summary>The block as this region sees it; when it leaves nowhere, all regions share one object.</summary>
    GuestBlock ToGuest(Block block)
    {
        if (Array.TrueForAll(block.NextBlocks, IsInside)) return block.Closed ??= new(block.Address, block.Instructions, block.End, block.Next, [], block.Table);
        return new(block.Address, block.Instructions, block.End,
            [.. block.Next.Where((_, n) => IsInside(block.NextBlocks[n]))], [.. block.Next.Where((_, n) => !IsInside(block.NextBlocks[n]))], block.Table);
    }

    bool IsInside(Block? block) => block?.Visit == visit;
}
