using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Resolves indirect jumps through tables: bounded ones first, because their code names the data where unbounded ones end.</summary>
internal sealed class JumpTables(Image image, CodeMap map, RootSet roots, Explorer explorer)
{
    const int MostAttempts = 4;

    readonly TableSearch search = new(image, map, roots, new ReachingConstant(map, roots));
    readonly TableReader reader = new(image, map, roots, explorer);
    readonly Dictionary<ulong, JumpTable> resolved = [];
    readonly Dictionary<ulong, (int Attempts, string Why)> failures = [];
    readonly HashSet<ulong> covered = [];

    /// <summary>Tables by the address of the jump.</summary>
    public IReadOnlyDictionary<ulong, JumpTable> Resolved => resolved;

    /// <summary>An entry of a resolved table starts at this address.</summary>
    public bool Covers(ulong address) => covered.Contains(address);

    /// <summary>Resolves what can be resolved and explores it, until nothing is new.</summary>
    public void ResolveAll()
    {
        while (ResolveSome(allowUnproven: false) || ResolveSome(allowUnproven: true)) explorer.ExploreNewRoots();
    }

    /// <summary>Jumps that have no table, with the reason.</summary>
    public List<UnresolvedJump> Unresolved() =>
        [.. explorer.IndirectJumps.Where(j => !resolved.ContainsKey(j.Key))
            .Select(j => new UnresolvedJump(j.Key, map[j.Value], failures.TryGetValue(j.Key, out var f) ? f.Why : "not tried"))];

    bool ResolveSome(bool allowUnproven)
    {
        var isNew = false;
        foreach (var (address, index) in explorer.IndirectJumps.ToArray())
        {
            if (resolved.ContainsKey(address)) continue;
            var attempts = failures.GetValueOrDefault(address).Attempts;
            if (attempts >= MostAttempts) continue;
            var (uses, why) = search.Find(index);
            if (uses.Count == 0) failures[address] = (attempts + 1, why);
            else if (allowUnproven || uses.All(u => u.IsProven)) isNew |= Resolve(address, uses);
        }
        return isNew;
    }

    bool Resolve(ulong jump, IReadOnlyList<TableUse> uses)
    {
        var parts = uses.GroupBy(u => u.Shape).Select(g => (Shape: g.Key, Entries: ReadEntries(jump, g))).ToList();
        if (parts.Sum(p => p.Entries.Count) == 0)
        {
            failures[jump] = (MostAttempts, "table entries are not code");
            return false;
        }
        var isDirect = parts.Count == 1 && uses.All(u => u.Low == 0) && image.IsConstant(parts[0].Shape.Table);
        resolved[jump] = new(parts[0].Shape.LoadAddress, isDirect ? parts[0].Shape.Index : Register.None, [.. parts.SelectMany(p => p.Entries)]);
        failures.Remove(jump);
        explorer.ExploreTargets(jump, resolved[jump].Targets.Distinct());
        return true;
    }

    List<ulong> ReadEntries(ulong jump, IEnumerable<TableUse> uses)
    {
        var all = uses.ToList();
        var use = new TableUse(all[0].Shape, all.Min(u => u.Low), all.Max(u => u.High), all.All(u => u.IsProven));
        var entries = reader.Read(jump, use);
        for (var i = 0; i < entries.Count; i++) covered.Add(use.Shape.Table + (use.Low + (ulong)i) * use.Shape.Stride);
        return entries;
    }
}
