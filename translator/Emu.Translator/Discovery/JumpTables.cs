using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Resolves indirect jumps through tables: bounded ones first, since more code may still bound the others.</summary>
internal sealed class JumpTables(Image image, CodeMap map, RootSet roots, Explorer explorer)
{
    const int MostAttempts = 3, LongestWay = 250;

    readonly TableSearch search = new(image, map, roots, new ReachingConstant(map, roots));
    readonly TableReader reader = new(image, map, roots);
    readonly Dictionary<ulong, JumpTable> resolved = [];
    readonly Dictionary<ulong, (int Attempts, string Why)> failures = [];
    readonly HashSet<ulong> covered = [], writable = [];

    /// <summary>Tables by the address of the jump.</summary>
    public IReadOnlyDictionary<ulong, JumpTable> Resolved => resolved;

    /// <summary>The jump goes through constant data and nowhere else.</summary>
    public bool IsCertain(ulong jump) => resolved.ContainsKey(jump) && !writable.Contains(jump);

    /// <summary>An entry of a resolved constant table starts at this address.</summary>
    public bool Covers(ulong address) => covered.Contains(address);

    /// <summary>Resolves what can be resolved and explores it, until nothing is new.</summary>
    public void ResolveAll()
    {
        do
            while (ResolveSome(j => !failures.ContainsKey(j), allowUnproven: false))
                explorer.ExploreNewRoots();
        while (ResolveSome(j => !resolved.ContainsKey(j) && failures[j].Attempts < MostAttempts, allowUnproven: true));
    }

    /// <summary>Jumps that have no table, with the reason.</summary>
    public List<UnresolvedJump> Unresolved() =>
        [.. explorer.IndirectJumps.Where(j => !resolved.ContainsKey(j)).Select(j => new UnresolvedJump(j, map[map.IndexOf(j)], failures[j].Why))];

    /// <summary>
    /// To be called when all code is known: a jump asks for its index only where nothing but the load of its entry leads to it. Others
    /// ask for the target (clang -O0 has one jump for all of a computed goto's places, each of which loads from the table).
    /// </summary>
    public void Confirm()
    {
        foreach (var (jump, table) in resolved.ToArray())
            if (table.Index != Register.None && !IsFollowedOnlyBy(map.IndexOf(table.LoadAddress), map.IndexOf(jump)))
                resolved[jump] = table with { Index = Register.None };
    }

    /// <summary>Every way to an instruction comes straight from another one.</summary>
    bool IsFollowedOnlyBy(int first, int last)
    {
        for (var (at, length) = (last, 0); at != first; length++)
        {
            var sources = map.JumpsTo(map[at].IP);
            var previous = map.Previous(at);
            if (length == LongestWay || roots.Contains(map[at].IP) || sources.Count + (previous >= 0 ? 1 : 0) != 1) return false;
            at = previous >= 0 ? previous : sources[0];
        }
        return true;
    }

    bool ResolveSome(Func<ulong, bool> isDue, bool allowUnproven)
    {
        var isNew = false;
        foreach (var jump in explorer.IndirectJumps.Where(j => !resolved.ContainsKey(j) && isDue(j)).ToArray())
        {
            var (uses, why) = search.Find(map.IndexOf(jump));
            failures[jump] = (failures.GetValueOrDefault(jump).Attempts + 1, why);
            if (uses.Count == 0 || !allowUnproven && !uses.All(u => u.IsProven)) continue;
            isNew |= Resolve(jump, uses);
        }
        if (isNew) explorer.ExploreNewRoots();
        return isNew;
    }

    bool Resolve(ulong jump, IReadOnlyList<TableUse> uses)
    {
        var parts = uses.GroupBy(u => u.Shape).Select(g => (Shape: g.Key, Entries: ReadEntries(jump, [.. g]))).ToList();
        if (parts.Sum(p => p.Entries.Count) == 0)
        {
            failures[jump] = (MostAttempts, "table entries are not code");
            return false;
        }
        var isDirect = parts.Count == 1 && uses.All(u => u.Low == 0) && image.IsConstant(parts[0].Shape.Table);
        var index = isDirect ? parts[0].Shape.Index : Register.None;
        resolved[jump] = new(parts[0].Shape.LoadAddress, index, [.. parts.SelectMany(p => p.Entries)]);
        explorer.ExploreTargets(jump, resolved[jump].Targets.Distinct());
        return true;
    }

    List<ulong> ReadEntries(ulong jump, List<TableUse> uses)
    {
        var use = new TableUse(uses[0].Shape, uses.Min(u => u.Low), uses.Max(u => u.High), uses.All(u => u.IsProven));
        var entries = reader.Read(jump, use);
        if (use.Shape.Size != 0 && !image.IsConstant(use.Shape.Table)) writable.Add(jump);
        else if (use.Shape.Size != 0)
            for (var i = 0; i < entries.Count; i++) covered.Add(use.Shape.Table + (use.Low + (ulong)i) * use.Shape.Stride);
        return entries;
    }
}
