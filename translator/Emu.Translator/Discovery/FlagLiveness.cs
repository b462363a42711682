using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// Which status flags (OSZAPC) carry information from region to region: the least fixpoint over the whole program. A caller publishes
/// <see cref="In"/> of its target; a region publishes <see cref="After"/> of its root when it returns. Everything else may be dropped.
/// </summary>
public sealed class FlagLiveness
{
    readonly Program program;
    readonly RflagsBits atSyscall;
    readonly Dictionary<ulong, int> numbers = [];
    readonly Dictionary<ulong, BlockFlags> blocks = [];
    readonly RflagsBits[] live, published;
    readonly List<int>[] dependents;
    readonly List<int> jumpers = [], callers = [], callable = [], jumpable = [];
    readonly Queue<int> pending = [];
    readonly bool[] isPending;

    FlagLiveness(Program program, RflagsBits atSyscall)
    {
        (this.program, this.atSyscall) = (program, atSyscall);
        var count = program.Regions.Count;
        (live, published, isPending, dependents) = (new RflagsBits[count], new RflagsBits[count], new bool[count], new List<int>[count]);
        for (var r = 0; r < count; r++) numbers[program.Regions[r].Root] = r;
        for (var r = 0; r < count; r++) Prepare(r);
        while (pending.TryDequeue(out var r))
        {
            isPending[r] = false;
            Update(r);
        }
    }

    /// <summary>Flags that code reached through unresolved indirect calls may read.</summary>
    public RflagsBits IndirectCallIn { get; private set; }

    /// <summary>Flags that code reached through unresolved indirect jumps may read.</summary>
    public RflagsBits IndirectJumpIn { get; private set; }

    /// <summary>Solves the program; <paramref name="atSyscall"/> are flags that count as read by `syscall` (it copies them to r11).</summary>
    public static FlagLiveness Of(Program program, RflagsBits atSyscall = 0) => new(program, atSyscall & BlockFlags.Status);

    /// <summary>Flags the region of a root may read before it writes them; all of them when the PC is no root.</summary>
    public RflagsBits In(ulong root) => numbers.TryGetValue(root, out var r) ? live[r] : BlockFlags.Status;

    /// <summary>Flags that may be read after the region of a root returned.</summary>
    public RflagsBits After(ulong root) => numbers.TryGetValue(root, out var r) ? published[r] : BlockFlags.Status;

    void Prepare(int r)
    {
        const RootReason notCalled = RootReason.LandingPad | RootReason.SecondReturn;
        var reason = program.Roots[r].Reason & RootReason.AddressTaken;
        if ((reason & ~notCalled) != 0) callable.Add(r);
        if (reason != 0) jumpable.Add(r);
        foreach (var block in program.Regions[r].Blocks)
        {
            if (!blocks.ContainsKey(block.Address)) blocks[block.Address] = BlockFlags.Of(block.Instructions);
            foreach (var exit in block.Exits) DependOn(exit, r);
            if (block.End == BlockEnd.Call) DependOn(block.Instructions[^1].NearBranchTarget, r);
            if (block.End == BlockEnd.IndirectCall && callers.LastOrDefault(-1) != r) callers.Add(r);
            if (MayGoAnywhere(block) && jumpers.LastOrDefault(-1) != r) jumpers.Add(r);
        }
        Enqueue(r);
    }

    /// <summary>An indirect jump whose table, if any, may have been guessed wrong.</summary>
    static bool MayGoAnywhere(GuestBlock block) => block.End == BlockEnd.IndirectJump && (block.Table is null || block.Table.Index == Register.None);

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
        var before = new Dictionary<ulong, RflagsBits>(region.Blocks.Count);
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

    RflagsBits AtEnd(int r, GuestBlock block, Dictionary<ulong, RflagsBits> before) => block.End switch
    {
        BlockEnd.Call => In(block.Instructions[^1].NearBranchTarget),
        BlockEnd.IndirectCall => IndirectCallIn,
        BlockEnd.Return => published[r],
        BlockEnd.IndirectJump when MayGoAnywhere(block) => IndirectJumpIn | Following(block, before),
        BlockEnd.Syscall => atSyscall | Following(block, before),
        _ => Following(block, before),
    };

    RflagsBits Following(GuestBlock block, Dictionary<ulong, RflagsBits> before)
    {
        RflagsBits flags = 0;
        foreach (var next in block.Successors) flags |= before.GetValueOrDefault(next);
        foreach (var exit in block.Exits) flags |= In(exit);
        return flags;
    }

    /// <summary>Flags read at return sites are what callees must publish; a tail call hands this region's duty on.</summary>
    void Publish(int r, GuestBlock block, Dictionary<ulong, RflagsBits> before)
    {
        switch (block.End)
        {
            case BlockEnd.Call: Demand(block.Instructions[^1].NearBranchTarget, Following(block, before)); break;
            case BlockEnd.IndirectCall: DemandOfAll(callable, Following(block, before)); break;
            case BlockEnd.IndirectJump when MayGoAnywhere(block): DemandOfAll(jumpable, published[r]); break;
        }
        foreach (var exit in block.Exits) Demand(exit, published[r]);
    }

    void Demand(ulong root, RflagsBits flags)
    {
        if (numbers.TryGetValue(root, out var r)) Demand(r, flags);
    }

    void Demand(int r, RflagsBits flags)
    {
        if ((flags & ~published[r]) == 0) return;
        published[r] |= flags;
        Enqueue(r);
    }

    void DemandOfAll(List<int> regions, RflagsBits flags)
    {
        if (flags == 0) return;
        foreach (var r in regions) Demand(r, flags);
    }

    void Grow(int r, RflagsBits flags)
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
