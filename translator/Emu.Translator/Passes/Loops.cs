using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>Blocks that can follow themselves without a call in between: where latency counts.</summary>
public sealed class Loops
{
    readonly List<HashSet<Label>> innermost = [];

    /// <summary>No loops.</summary>
    public static readonly Loops None = new();

    Loops() { }

    /// <summary>The loops of a function; calls cut cycles.</summary>
    public static Loops Of(Function f)
    {
        var blocks = f.Blocks.ToDictionary(b => b.Label);
        var next = f.Blocks.ToDictionary(b => b.Label, b => b.Terminator.Op is Op.CallTo or Op.Syscall or Op.Deliver ? [] : b.Terminator.Successors().Where(blocks.ContainsKey).Distinct().ToArray());
        // From where a block is reached; null: from outside, or behind a call.
        var before = f.Blocks.SelectMany(b => b.Terminator.Successors().Select(to => (To: to, From: next[b.Label].Length > 0 ? b.Label : (Label?)null)))
            .Append((To: f.Blocks[0].Label, From: null)).ToLookup(e => e.To, e => e.From);
        var loops = new Loops();
        foreach (var cycle in Graph.Cycles(next.Keys, b => next[b])) loops.Split(cycle, next, before);
        return loops;
    }

    /// <summary>The loops that have no other inside.</summary>
    public IReadOnlyList<IReadOnlySet<Label>> Innermost => innermost;

    /// <summary>Without the blocks where it is entered, what still is a cycle is a loop inside; so is one of them that follows itself.</summary>
    void Split(HashSet<Label> cycle, Dictionary<Label, Label[]> next, ILookup<Label, Label?> before)
    {
        var rest = cycle.Where(b => before[b].All(from => from is { } label && cycle.Contains(label))).ToHashSet();
        Label[] Inside(Label b) => [.. next[b].Where(rest.Contains)];
        var inner = Graph.Cycles(rest, Inside).ToList();
        var alone = cycle.Where(b => cycle.Count > 1 && next[b].Contains(b)).ToArray();
        if (inner.Count == 0 && alone.Length == 0) innermost.Add(cycle);
        if (inner.Count == 0) innermost.AddRange(alone.Select(b => new HashSet<Label> { b }));
        foreach (var c in inner) Split(c, next, before);
    }
}
