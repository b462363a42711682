using Emu.Ir;
using Emu.Translator.Discovery;
using Block = Emu.Ir.Block;

namespace Emu.Translator.Passes;

/// <summary>
/// Which transient state somebody may still read, at every place where control crosses from region to region: what is not may be
/// dropped there. A least fixpoint over the whole program on top of <see cref="Summaries"/>, so that what one caller of a function
/// wants back is no burden for the others.
/// </summary>
public sealed class Liveness
{
    readonly Summaries program;
    readonly IReadOnlyList<Function> functions;
    readonly Dictionary<Label, Live>[] before;
    readonly Live[] after;
    readonly Worklist pending;
    Live afterPointerCalls, afterJumps, afterSwitches; // what is wanted of whatever is called or jumped to by pointer, and from another stack

    Liveness(IReadOnlyList<Function> functions, Discovery.Program discovered, Func<ulong, Transient> writtenThrough)
    {
        this.functions = functions;
        var returning = new Returning(functions, discovered.EndOfFunction);
        foreach (var f in functions) returning.Prune(f);
        program = new(functions, discovered, returning, writtenThrough);
        program.Solve();
        before = [.. functions.Select(f => f.Blocks.ToDictionary(b => b.Label, _ => default(Live)))];
        // Code that is not discovered may call any of them.
        (after, pending) = ([.. Enumerable.Range(0, functions.Count).Select(program.ReturnsOf)], new(functions.Count));
        pending.Run(Update);
    }

    /// <summary>Solves the program, one function for each of its roots, and takes blocks away that no way leads to.</summary>
    /// <param name="writtenThrough">What the function may change that the dynamic linker puts into a slot, as far as it is known.</param>
    public static Liveness Of(IReadOnlyList<Function> functions, Discovery.Program discovered, Func<ulong, Transient>? writtenThrough = null) =>
        new(functions, discovered, writtenThrough ?? (_ => 0));

    /// <summary>What the region of a root may read before it writes it; a PC without a region (a call of 0, say) is code that nobody knows.</summary>
    public Transient In(ulong root) => program.Number(root) is { } r ? Before(root, functions[r].Blocks[0].Label) : program.Unknown(root).All;

    /// <summary>What may be read after the region of a root returned.</summary>
    public Transient After(ulong root) => after[Number(root)].All;

    /// <summary>What may be read from the start of a block of a root's region on.</summary>
    public Transient Before(ulong root, Label block) => before[Number(root)][block].All;

    /// <summary>What may be read behind a block: where its terminator leaves the region, this is what to hand over.</summary>
    public Transient Behind(ulong root, Block b) => Behind(Number(root), b).All;

    /// <summary>What a callee hands over to a block's return site.</summary>
    public Transient Back(ulong root, Block b) => program.AfterCall(b, Following(Number(root), b.Terminator)).All;

    /// <summary>What may be read from a label of another region on, when a root's region jumps there.</summary>
    public Transient AtEdge(ulong root, Label to) => AtEdge(Number(root), to).All;

    int Number(ulong root) => program.Number(root) ?? throw new ArgumentException($"0x{root:x} is no root");

    void Update(int r)
    {
        Backwards.Solve(functions[r], program.EffectsOf(r), before[r], b => Behind(r, b));
        foreach (var b in functions[r].Blocks) Publish(r, b);
    }

    Live Behind(int r, Block b)
    {
        var end = b.Terminator;
        if (end.Op == Op.Ret) return program.MayGoAnywhere(r, end) ? after[r] | program.JumpIn(r) : after[r];
        var next = program.MayFollow(b) ? Following(r, end) : default;
        if (end.Op == Op.CallTo) return program.BeforeCall(b, next);
        return end.Op is Op.Jump or Op.Switch or Op.SwitchOn ? next | program.JumpIn(r) | Duty(r) : next;
    }

    /// <summary>What has to be handed over in the end where a region goes on elsewhere: to its caller, and where it has put another return address, there.</summary>
    Live Duty(int r) => program.ReturnSites(r).Aggregate(after[r], (all, site) => all | program.BeforeRegion(site, after[r]));

    Live Following(int r, Inst end)
    {
        Live live = default;
        foreach (var to in end.Successors()) live |= before[r].TryGetValue(to, out var inside) ? inside : AtEdge(r, to);
        return live;
    }

    Live AtEdge(int r, Label to) => to.Part == 0 && program.Number(to.Address) is { } target ? program.BeforeRegion(target, Duty(r)) : program.Unknown(to.Address);

    /// <summary>What return sites read is what callees must hand over; a tail call passes this region's duty on.</summary>
    void Publish(int r, Block b)
    {
        var end = b.Terminator;
        if (end.Op == Op.CallTo && program.MayFollow(b))
        {
            var site = Following(r, end);
            var wanted = program.AfterCall(b, site);
            if (program.Callee(end) is { } callee) Demand(callee, wanted);
            else if (end.Args[0] is not Const && Grows(ref afterPointerCalls, wanted))
                foreach (int target in program.Callable) Demand(target, wanted);
        }
        var duty = Duty(r);
        if (program.MayGoAnywhere(r, end)) PublishJump(r, duty);
        foreach (var to in end.Successors()) if (!before[r].ContainsKey(to) && program.Number(to.Address) is { } target) Demand(target, duty);
    }

    void PublishJump(int r, Live duty)
    {
        bool switches = program.SwitchesStack(r);
        if (!switches) foreach (int target in program.Inside(r)) Demand(target, duty);
        if (!(switches ? Grows(ref afterSwitches, duty) : Grows(ref afterJumps, duty))) return;
        foreach (int target in switches ? program.Jumpable : program.Callable) Demand(target, duty);
    }

    /// <summary>Adds to what is wanted of all of some regions; false: they know already.</summary>
    static bool Grows(ref Live all, Live wanted)
    {
        bool grows = !all.Covers(wanted);
        all |= wanted;
        return grows;
    }

    void Demand(int r, Live live)
    {
        if (after[r].Covers(live)) return;
        after[r] |= live;
        pending.Add(r);
    }
}
