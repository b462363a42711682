using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// Which status flags and scratch registers carry information from region to region: the least fixpoint over the whole program. A caller publishes
/// <see cref="In"/> of its target; a region publishes <see cref="After"/> of its root when it returns. Everything else may be dropped.
/// </summary>
public sealed class Liveness
{
    readonly Program program;
    readonly InstructionInfoFactory info = new();
    readonly Transient atSyscall;
    readonly Dictionary<ulong, int> numbers = [];
    readonly Dictionary<ulong, BlockEffect> blocks = [];
    readonly Transient[] live, published;
    readonly List<int>[] dependents;
    readonly List<int> jumpers = [], callers = [], callable = [], jumpable = [];
    readonly Queue<int> pending = [];
    readonly bool[] isPending;

    Liveness(Program program, Transient atSyscall)
    {
        (this.program, this.atSyscall) = (program, atSyscall);
        var count = program.Regions.Count;
        (live, published, isPending, dependents) = (new Transient[count], new Transient[count], new bool[count], new List<int>[count]);
        for (var r = 0; r < count; r++) numbers[program.Regions[r].Root] = r;
        for (var r = 0; r < count; r++) Prepare(r);
        while (pending.TryDequeue(out var r))
        {
            isPending[r] = false;
            Update(r);
        }
    }

    /// <summary>
    /// What code reached through unresolved indirect calls may read. Code that is not known yet may read what the psABI passes (3.2.3:
    /// arguments, static chain); one that reads more is refused when it is entered so (runtime/core/dispatch.c).
    /// </summary>
    public Transient IndirectCallIn { get; private set; } = Transient.R8 | Transient.R9 | Transient.R10;

    /// <summary>The same for unresolved indirect jumps.</summary>
    public Transient IndirectJumpIn { get; private set; } = Transient.R8 | Transient.R9 | Transient.R10 | Transient.R11;

    /// <summary>Solves the program; <paramref name="atSyscall"/> are flags that count as read by `syscall` (it copies them to r11).</summary>
    public static Liveness Of(Program program, Transient atSyscall = 0) => new(program, atSyscall & Transient.Flags);

    /// <summary>Flags the region of a root may read before it writes them; all of them when the PC is no root.</summary>
    public Transient In(ulong root) => numbers.TryGetValue(root, out var r) ? live[r] : Transient.All;

    /// <summary>Flags that may be read after the region of a root returned.</summary>
    public Transient After(ulong root) => numbers.TryGetValue(root, out var r) ? published[r] : Transient.All;

    void Prepare(int r)
    {
        const RootReason notCalled = RootReason.LandingPad | RootReason.SecondReturn;
        var reason = program.Roots[r].Reason & RootReason.AddressTaken;
        if ((reason & ~notCalled) != 0) callable.Add(r);
        if (reason != 0) jumpable.Add(r);
        foreach (var block in program.Regions[r].Blocks)
        {
            if (!blocks.ContainsKey(block.Address)) blocks[block.Address] = BlockEffect.Of(block.Instructions, info);
            foreach (var exit in block.Exits) DependOn(exit, r);
            if (block.End == BlockEnd.Call) DependOn(block.Instructions[^1].NearBranchTarget, r);
            if (block.End == BlockEnd.IndirectCall && callers.LastOrDefault(-1) != r) callers.Add(r);
            if (MayGoAnywhere(block) && jumpers.LastOrDefault(-1) != r) jumpers.Add(r);
        }
        Enqueue(r);
    }

    /// <summary>An indirect jump whose table, if any, may have been guessed wrong.</summary>
    static bool MayGoAnywhere(GuestBlock block) => block.ReturnsToPushed || block.End == BlockEnd.IndirectJump && (block.Table is null || block.Table.Index == Register.None);

    void DependOn(ulong target, int r)
    {
        if (!numbers.TryGetValue(target, out var t)) return;
        var list = dependents[t] ??= [];
        if (list.Count == 0 || list[^1] != r) list.Add(r);
    }

    void Enqueue(int r)
    {
        if (isPending[r]) return;
        isPending[r] = true;
        pending.Enqueue(r);
    }

    /// <summary>Solves one region for what is known of the others, then tells those that depend on it.</summary>
    void Update(int r)
    {
        var region = program.Regions[r];
        var before = new Dictionary<ulong, Transient>(region.Blocks.Count);
        for (var isNew = true; isNew;)
        {
            isNew = false;
            for (var b = region.Blocks.Count - 1; b >= 0; b--)
            {
                var block = region.Blocks[b];
                var flags = blocks[block.Address].Before(AtEnd(r, block, before));
                isNew |= flags != before.GetValueOrDefault(block.Address);
                before[block.Address] = flags;
            }
        }
        foreach (var block in region.Blocks) Publish(r, block, before);
        Grow(r, before[region.Root]);
    }

    Transient AtEnd(int r, GuestBlock block, Dictionary<ulong, Transient> before) => block.End switch
    {
        BlockEnd.Call => In(block.Instructions[^1].NearBranchTarget),
        BlockEnd.IndirectCall => IndirectCallIn,
        BlockEnd.IndirectJump or BlockEnd.Return when MayGoAnywhere(block) => IndirectJumpIn | Following(block, before),
        BlockEnd.Return => published[r],
        BlockEnd.Syscall => atSyscall | Following(block, before),
        _ => Following(block, before),
    };

    Transient Following(GuestBlock block, Dictionary<ulong, Transient> before)
    {
        Transient flags = 0;
        foreach (var next in block.Successors) flags |= before.GetValueOrDefault(next);
        foreach (var exit in block.Exits) flags |= In(exit);
        return flags;
    }

    /// <summary>Flags read at return sites are what callees must publish; a tail call hands this region's duty on.</summary>
    void Publish(int r, GuestBlock block, Dictionary<ulong, Transient> before)
    {
        switch (block.End)
        {
            case BlockEnd.Call: Demand(block.Instructions[^1].NearBranchTarget, Following(block, before)); break;
            case BlockEnd.IndirectCall: DemandOfAll(callable, Following(block, before)); break;
            case BlockEnd.IndirectJump or BlockEnd.Return when MayGoAnywhere(block): DemandOfAll(jumpable, published[r]); break;
        }
        foreach (var exit in block.Exits) Demand(exit, published[r]);
    }

    void Demand(ulong root, Transient flags)
    {
        if (numbers.TryGetValue(root, out var r)) Demand(r, flags);
    }

    void Demand(int r, Transient flags)
    {
        if ((flags & ~published[r]) == 0) return;
        published[r] |= flags;
        Enqueue(r);
    }

    void DemandOfAll(List<int> regions, Transient flags)
    {
        if (flags == 0) return;
        foreach (var r in regions) Demand(r, flags);
    }

    void Grow(int r, Transient flags)
    {
        if ((flags & ~live[r]) == 0) return;
        live[r] |= flags;
        dependents[r]?.ForEach(Enqueue);
        if (callable.BinarySearch(r) >= 0 && (flags & ~IndirectCallIn) != 0)
        {
            IndirectCallIn |= flags;
            callers.ForEach(Enqueue);
        }
        if (jumpable.BinarySearch(r) >= 0 && (flags & ~IndirectJumpIn) != 0)
        {
            IndirectJumpIn |= flags;
            jumpers.ForEach(Enqueue);
        }
    }
}
