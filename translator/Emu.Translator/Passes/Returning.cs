using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>
/// Which calls may come back. A function returns when a return, or a jump to what may return, can be reached in it; a call that is the
/// last instruction of its function (abort, __stack_chk_fail) does not: there is no code to come back to.
/// </summary>
public sealed class Returning
{
    readonly Dictionary<ulong, Function> functions;
    readonly HashSet<Inst> last = [];
    readonly HashSet<ulong> returns = [];

    /// <param name="endOfFunction">The end of the function that an address is in, where it is known.</param>
    public Returning(IReadOnlyList<Function> functions, Func<ulong, ulong?> endOfFunction)
    {
        this.functions = functions.ToDictionary(f => f.Entry);
        foreach (var b in functions.SelectMany(f => f.Blocks)) if (b.Terminator is { Op: Op.CallTo } call && Site(call) >= endOfFunction(b.Label.Address)) last.Add(call);
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (var f in functions) if (!returns.Contains(f.Entry) && Ends(f)) changed = returns.Add(f.Entry);
        }
    }

    /// <summary>Whether control may go on behind a block: always, but after a call that does not return.</summary>
    public bool MayFollow(Block b)
    {
        var end = b.Terminator;
        if (end.Op != Op.CallTo) return true;
        return MayReturn(end.Args[0] is Const callee ? (ulong)callee.Bits : null) && !last.Contains(end);
    }

    static ulong Site(Inst call) => ((Detail.Target)call.Detail!).Then.Address;

    /// <summary>Whether a root's function may return; what is not known may.</summary>
    bool MayReturn(ulong? root) => root is not { } pc || !functions.ContainsKey(pc) || returns.Contains(pc);

    /// <summary>Whether a return can be reached, as far as is known of the callees.</summary>
    bool Ends(Function f)
    {
        var inside = f.Blocks.Select(b => b.Label).ToHashSet();
        return Reachable(f).Any(b => b.Terminator.Op is Op.Ret or Op.Jump or Op.SwitchOn or Op.Switch
            || MayFollow(b) && b.Terminator.Successors().Any(to => !inside.Contains(to) && MayReturn(to.Address)));
    }

    /// <summary>Takes away the blocks that no way leads to.</summary>
    public void Prune(Function f)
    {
        var reachable = Reachable(f).ToHashSet();
        f.Blocks.RemoveAll(b => !reachable.Contains(b));
    }

    IEnumerable<Block> Reachable(Function f)
    {
        var blocks = f.Blocks.ToDictionary(b => b.Label);
        var seen = new HashSet<Label>([f.Blocks[0].Label]);
        var open = new Stack<Label>(seen);
        while (open.TryPop(out var label))
        {
            yield return blocks[label];
            if (MayFollow(blocks[label])) foreach (var to in blocks[label].Terminator.Successors()) if (blocks.ContainsKey(to) && seen.Add(to)) open.Push(to);
        }
    }
}
