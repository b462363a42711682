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

    Liveness(IReadOnlyList<Function> functions, Discovery.Program discovered)
    {
        this.functions = functions;
        var returning = new Returning(functions, discovered.EndOfFunction);
        foreach (var f in functions) returning.Prune(f);
        program = new(functions, discovered, returning);
        before = [.. functions.Select(f => f.Blocks.ToDictionary(b => b.Label, _ => default(Live)))];
        (after, pending) = (new Live[functions.Count], new(functions.Count));
        Array.Fill(after, program.Wanted(Transients.Results)); // code that is not discovered may call any of them
        // TLS descriptors (Oliva, "Thread-local storage descriptors for IA32 and AMD64/EM64T"): code of the dynamic linker that others call through a pointer and that keeps every register.
        if (discovered.Image.IsDynamicLinker)
            for (int r = 0; r < functions.Count; r++)
                if ((discovered.ReasonOf(functions[r].Entry) & (RootReason.CodePointer | RootReason.DataPointer)) != 0) after[r] = new(Transient.All, 0);
        pending.Run(Update);
    }

    /// <summary>Solves the program, one function for each of its roots, and takes blocks away that no way leads to.</summary>
    public static Liveness Of(IReadOnlyList<Function> functions, Discovery.Program discovered) => new(functions, discovered);

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
        if (end.Op == Op.CallTo) return program.BeforeCall(r, b, next);
        return end.Op is Op.Jump or Op.Switch or Op.SwitchOn ? next | program.JumpIn(r) : next;
    }

    Live Following(int r, Inst end)
    {
        Live live = default;
        foreach (var to in end.Successors()) live |= before[r].TryGetValue(to, out var inside) ? inside : AtEdge(r, to);
        return live;
    }

    Live AtEdge(int r, Label to) => to.Part == 0 && program.Number(to.Address) is { } target ? program.BeforeRegion(target, after[r]) : program.Unknown(to.Address);

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
        if (program.MayGoAnywhere(r, end)) PublishJump(r);
        foreach (var to in end.Successors()) if (!before[r].ContainsKey(to) && program.Number(to.Address) is { } target) Demand(target, after[r]);
    }

    void PublishJump(int r)
    {
        bool switches = program.SwitchesStack(r);
        if (!switches) foreach (int target in program.Inside(r)) Demand(target, after[r]);
        if (!(switches ? Grows(ref afterSwitches, after[r]) : Grows(ref afterJumps, after[r]))) return;
        foreach (int target in switches ? program.Jumpable : program.Callable) Demand(target, after[r]);
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
