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
        var targets = program.Regions.ToDictionary(r => r.Root, r => r.Leaves().Where(t => program.RegionAt(t) != null).Distinct().ToArray());
        var component = Graph.Components(program.Regions.Select(r => r.Root), r => targets[r]);
        return [.. targets.SelectMany(t => t.Value.Where(to => to <= t.Key && component[to] == component[t.Key]))];
    }
}
