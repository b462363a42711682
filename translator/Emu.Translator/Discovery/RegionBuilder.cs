namespace Emu.Translator.Discovery;

/// <summary>
/// Groups blocks into regions. A region ends at barriers (roots that are functions). A body above the limit is cut into chunks by
/// address; jumps between chunks go to new roots, and a region stays inside its chunk, so that code is hardly ever duplicated.
/// </summary>
internal sealed class RegionBuilder(BlockMap blocks, IReadOnlyList<Root> roots, int limit)
{
    readonly SortedDictionary<ulong, RootReason> reasons = new(roots.ToDictionary(r => r.Address, r => r.Reason));
    readonly HashSet<ulong> barriers = [.. roots.Where(r => r.IsBarrier).Select(r => r.Address)];

    /// <summary>All regions by root, with the roots that had to be made.</summary>
    public List<(Root Root, GuestRegion Region)> Build()
    {
        Split([.. roots.Where(r => r.IsBarrier)]);
        Split([.. roots.Where(r => !r.IsBarrier)]);
        return [.. reasons.Where(r => blocks[r.Key] is not null).Select(r => (new Root(r.Key, r.Value), Region(r.Key)))];
    }

    /// <summary>Makes roots until no region from these roots is above the limit.</summary>
    void Split(IEnumerable<Root> from)
    {
        var pending = new Queue<ulong>(from.Select(r => r.Address));
        while (pending.TryDequeue(out var root))
        {
            var body = Body(root);
            if (Size(body) <= limit) continue;
            foreach (var target in CrossChunkTargets(body))
            {
                reasons[target] = reasons.GetValueOrDefault(target) | RootReason.Split;
                if (barriers.Add(target)) pending.Enqueue(target);
            }
            pending.Enqueue(root);
        }
    }

    int Size(IEnumerable<Block> body) => body.Sum(b => b.Instructions.Length);

    /// <summary>Blocks that a jump from another chunk reaches; the root's own chunk included.</summary>
    IEnumerable<ulong> CrossChunkTargets(List<Block> body)
    {
        var chunkOf = new Dictionary<ulong, int>();
        var (chunk, used) = (0, 0);
        foreach (var block in body.OrderBy(b => b.Address))
        {
            if (used != 0 && used + block.Instructions.Length > limit) (chunk, used) = (chunk + 1, 0);
            used += block.Instructions.Length;
            chunkOf[block.Address] = chunk;
        }
        return body.SelectMany(b => b.Next.Where(n => chunkOf.TryGetValue(n, out var c) && c != chunkOf[b.Address])).Distinct().Order();
    }

    /// <summary>Blocks reachable from a root without entering another barrier.</summary>
    List<Block> Body(ulong root)
    {
        if (blocks[root] is not { } first) return [];
        var (body, seen) = (new List<Block> { first }, new HashSet<ulong> { root });
        for (var i = 0; i < body.Count; i++)
            foreach (var next in body[i].Next)
                if (!barriers.Contains(next) && blocks[next] is { } block && seen.Add(next))
                    body.Add(block);
        return body;
    }

    GuestRegion Region(ulong root)
    {
        var body = Body(root);
        var inside = body.Select(b => b.Address).ToHashSet();
        return new(root, [.. body.OrderByDescending(b => b.Address == root).ThenBy(b => b.Address).Select(b => ToGuest(b, inside))]);
    }

    static GuestBlock ToGuest(Block block, HashSet<ulong> inside) => new(
        block.Address, block.Instructions, block.End,
        [.. block.Next.Where(inside.Contains)], [.. block.Next.Where(n => !inside.Contains(n))], block.Table);
}
