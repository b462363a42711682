using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>A table jump as one path shows it. High is the largest index, IsProven when a comparison or mask says so.</summary>
internal readonly record struct TableUse(TableShape Shape, ulong Low, ulong High, bool IsProven);

/// <summary>
/// Follows the paths that lead to an indirect jump backwards, longer and longer, until the target's expression is a table with a bounded
/// index. All limits are on work, none on shapes.
/// </summary>
internal sealed class TableSearch(Image image, CodeMap map, RootSet roots, ReachingConstant constants)
{
    const int LongestUnknown = 60, LongestUnbounded = 250, MostPaths = 24, MostUnknownRuns = 24, MostRuns = 60;
    const ulong MostPieces = 16;
    const ulong MostEntries = 1 << 16;

    readonly List<TableUse> uses = [];
    PathRun run = new(image, map);
    int paths, runs;
    string why = "";

    /// <summary>The tables that paths to this jump use; empty with a reason when none is found.</summary>
    public (IReadOnlyList<TableUse> Uses, string Why) Find(int jump)
    {
        uses.Clear();
        (run, paths, runs, why) = (new(image, map), 0, 0, "");
        Extend([jump]);
        return ([.. uses.Distinct()], why);
    }

    /// <summary>Extends a path (last instruction first) to the next place where something can be learnt.</summary>
    void Extend(List<int> path)
    {
        while (true)
        {
            var head = path[^1];
            var sources = roots.IsFunction(map[head].IP) ? [] : map.JumpsTo(map[head].IP);
            var previous = roots.IsFunction(map[head].IP) ? -1 : map.Previous(head);
            var count = sources.Count + (previous >= 0 ? 1 : 0);
            if (count == 1)
            {
                path.Add(previous >= 0 ? previous : sources[0]);
                if (path.Count < LongestUnbounded && Flow.End(map[path[^1]]) is not (BlockEnd.Branch or BlockEnd.Jump)) continue;
            }
            if (Evaluate(path) is not { } use)
            {
                if (count == 0 || path.Count > LongestUnknown || IsHopeless) return;
            }
            else if (use.IsProven || count == 0 || path.Count > LongestUnbounded || paths > MostPaths || runs > MostRuns)
            {
                uses.Add(use);
                return;
            }
            if (count > 1)
            {
                Fork(path, previous, sources);
                return;
            }
        }
    }

    bool IsHopeless => paths > MostPaths || runs > MostUnknownRuns || why == "through a pointer in memory";

    void Fork(List<int> path, int previous, IReadOnlyList<int> sources)
    {
        paths += sources.Count;
        if (previous >= 0) Extend([.. path, previous]);
        foreach (var source in sources) Extend([.. path, source]);
    }

    TableUse? Evaluate(List<int> path)
    {
        runs++;
        run.Start();
        for (var at = path.Count - 1; at > 0; at--)
        {
            var i = map[path[at]];
            run.Step(path[at]);
            if (i.FlowControl == FlowControl.ConditionalBranch) run.Assume(i, isTaken: map[path[at - 1]].IP != i.NextIP);
        }
        var jump = map[path[0]];
        why = "through a pointer in memory";
        if (jump is { Op0Kind: OpKind.Memory, MemoryBase: Register.None or Register.RIP, MemoryIndex: Register.None }) return null;
        var target = run.Read(jump, 0);
        var matcher = new TableMatcher(run, register => constants.Of(register, path[^1]));
        if (matcher.Match(target, out why) is not { } match) return null;
        var (low, high, isProven) = RangeOf(match.Index);
        return new(match.Shape, low, match.Shape.Size == 0 && !isProven ? MostPieces - 1 : high, isProven);
    }

    /// <summary>What masks, widths and comparisons on the path say about an index.</summary>
    (ulong Low, ulong High, bool IsProven) RangeOf(Linear index)
    {
        var (low, high, isProven) = WidthOf(index);
        var core = run.Values.Core(index);
        foreach (var bound in run.Bounds)
        {
            var value = run.Values.Core(bound.Value);
            if (value.Core != core.Core) continue;
            var shift = (long)(core.Offset - value.Offset);
            if (bound.Low != long.MinValue && bound.Low + shift is > 0 and var atLeast) low = Math.Max(low, (ulong)atLeast);
            if (bound.High == long.MaxValue || bound.High + shift is not (>= 0 and var atMost) || (ulong)atMost >= MostEntries) continue;
            high = isProven ? Math.Min(high, (ulong)atMost) : (ulong)atMost;
            isProven = true;
        }
        return low <= high ? (low, high, isProven) : (0, high, isProven);
    }

    (ulong Low, ulong High, bool IsProven) WidthOf(Linear index)
    {
        if (!index.IsAtom) return (0, MostEntries, false);
        var atom = run.Values[index.Atom1];
        return atom switch
        {
            { Kind: AtomKind.Mask } when atom.Parameter < MostEntries => (0, atom.Parameter, true),
            { Kind: AtomKind.Zext, Parameter: < 8 } or { Kind: AtomKind.Shift, Parameter: < 8 } => (0, (1UL << (int)atom.Parameter) - 1, true),
            { Width: <= 16 } => (0, (1UL << atom.Width) - 1, false),
            _ => (0, MostEntries, false),
        };
    }
}
