using Emu.Ir;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Block = Emu.Ir.Block;

namespace Emu.Translator.Passes;

/// <summary>
/// What each region and all that it calls does to transient state between its entry and its return, whoever called it: what it may
/// read, what it surely overwrites, what it may change. Least (reads, changes) and greatest (overwrites) fixpoints over the program.
/// </summary>
/// <remarks>
/// Code that nobody knows ahead of time may call what has its address taken, and be called and jumped to through pointers: it is held
/// to the psABI (<see cref="Live.Soft"/>), and so are jumps by pointer into the middle of another function on the same stack. Code with
/// conventions of its own is held to nothing: what may be there is.
/// </remarks>
public sealed class Summaries
{
    readonly Dictionary<ulong, int> numbers;
    readonly Region[] regions;
    readonly Returning returning;
    readonly Func<ulong, bool> isExecutable;
    readonly int[] callable, jumpable, handWritten;
    readonly bool isPsAbi, hasDescriptors;
    Live callIn, jumpIn;
    bool raxIsRead; // where it is called by pointer, and not as a number of arguments: by what is written by hand, or a pass

    /// <summary>One region: its facts first, then what follows from those of others.</summary>
    sealed class Region(Function f)
    {
        public readonly Function Function = f;
        public readonly bool SwitchesStack = f.Blocks.Any(Stack.IsSwitched), IsVariadic = Variadic.Is(f), IsStub = Summaries.IsStub(f);
        public readonly HashSet<Label> Uncounted = Variadic.Uncounted(f);
        public readonly Dictionary<Label, BlockEffect> Effects = EffectsOf(f);
        public readonly Dictionary<Label, Live> Before = f.Blocks.ToDictionary(b => b.Label, _ => default(Live));
        public readonly Dictionary<Label, Transient> Overwritten = f.Blocks.ToDictionary(b => b.Label, _ => Transient.All);
        public int[] Inside = [];
        public readonly HashSet<int> Users = []; // regions whose summary follows from this one's
        public Live Use;
        public Transient Writes, Overwrites = Transient.All;

        static Dictionary<Label, BlockEffect> EffectsOf(Function f)
        {
            bool restores = f.Blocks.Any(BlockEffect.Restores);
            return f.Blocks.ToDictionary(b => b.Label, b => BlockEffect.Of(b, restores));
        }
    }

    public Summaries(IReadOnlyList<Function> functions, Discovery.Program program, Returning returning)
    {
        (this.returning, isExecutable, isPsAbi) = (returning, program.Image.IsExecutable, !program.Image.HasOwnConventions);
        hasDescriptors = program.Image.Relocations.Any(r => r.Type == RelocationType.TlsDescriptor);
        callIn = jumpIn = Wanted(Transients.Arguments);
        numbers = functions.Select((f, n) => (f.Entry, n)).ToDictionary(p => p.Entry, p => p.n);
        regions = [.. functions.Select(f => new Region(f))];
        int[] Roots(Func<RootReason, bool> which) => [.. Enumerable.Range(0, regions.Length).Where(r => which(program.ReasonOf(functions[r].Entry)))];
        callable = Roots(IsCallable);
        jumpable = Roots(reason => (reason & RootReason.AddressTaken) != 0);
        handWritten = [.. callable.Where(r => program.Image.FrameAt(functions[r].Entry) is null && !regions[r].IsVariadic)];
        raxIsRead = functions.Any(f => f.Blocks.Any(b => b.Code.Any(i => i is { Inserted: true, Op: Op.Get, Detail: Detail.Register { Reg.Name: "rax" } })));
        var owners = new Owners(program.Roots);
        foreach (var r in regions)
            r.Inside = [.. r.Function.Blocks.Where(b => b.Terminator.Op is Op.Jump or Op.SwitchOn).SelectMany(b => owners.Inside(b.Label.Address)).Distinct().Select(pc => numbers[pc])];
        for (int r = 0; r < regions.Length; r++) foreach (int used in UsedBy(regions[r])) regions[used].Users.Add(r);
        UntilStable(WritesGrow);
        UntilStable(OverwritesShrink);
        do UntilStable(UseGrows);
        while (AnyCalleeUsesMore());
    }

    /// <summary>The regions that a region calls, goes on in or may jump into.</summary>
    IEnumerable<int> UsedBy(Region region) => region.Inside.Concat(region.Function.Blocks.Select(b => b.Terminator)
        .SelectMany(end => end.Successors().Where(to => !region.Before.ContainsKey(to)).Select(to => Number(to.Address)).Append(end.Op == Op.CallTo ? Callee(end) : null)).OfType<int>());

    /// <summary>Whether code that nobody knows may call it.</summary>
    static bool IsCallable(RootReason reason) =>
        (reason & RootReason.AddressTaken & ~(RootReason.LandingPad | RootReason.SecondReturn)) != 0 && (reason & RootReason.Inside) == 0;

    /// <summary>A jump through a constant place that is all of its region (of the PLT): as good as the call that leads there.</summary>
    public static bool IsStub(Function f) => f.Blocks is [{ Terminator: { Op: Op.Jump, Args: [Inst { Op: Op.Load, Args: [Const] }] } }];

    /// <summary>The number of a root in the order of the functions; null: no such root.</summary>
    public int? Number(ulong root) => numbers.TryGetValue(root, out int r) ? r : null;

    /// <summary>What each block of a region does by itself.</summary>
    public IReadOnlyDictionary<Label, BlockEffect> EffectsOf(int r) => regions[r].Effects;

    /// <summary>Whether control may go on behind a block.</summary>
    public bool MayFollow(Block b) => returning.MayFollow(b);

    /// <summary>What code that nobody knows may read, where the psABI says that it reads <paramref name="those"/>.</summary>
    public Live Wanted(Transient those) => isPsAbi ? new(0, those) : new(those | Transients.Everything, 0);

    /// <summary>What is live before a region's call when <paramref name="site"/> is at its return site.</summary>
    public Live BeforeCall(int r, Block b, Live site)
    {
        var call = b.Terminator;
        int? callee = Callee(call);
        var live = callee is { } known ? BeforeRegion(known, site) : site.Through(UnknownWrites(b), 0) | (call.Args[0] is Const pc ? Unknown((ulong)pc.Bits) : callIn);
        bool isAnyone = callee is { } stub ? regions[stub].IsStub : !IsOfDescriptor(b);
        return isPsAbi && isAnyone && !raxIsRead && regions[r].Uncounted.Contains(b.Label) ? new(live.Hard, live.Soft & ~Variadic.Count) : live;
    }

    /// <summary>What is live at a region's entry when <paramref name="after"/> is where it returns.</summary>
    public Live BeforeRegion(int r, Live after) => regions[r].Use | after.Through(isPsAbi ? regions[r].Writes : regions[r].Overwrites, regions[r].Overwrites);

    /// <summary>What whoever is called has to hand over where <paramref name="site"/> is live at the return site; code that is met at run time hands over everything.</summary>
    public Live AfterCall(Block b, Live site) =>
        b.Terminator.Args[0] is not Const ? site.After(UnknownWrites(b)) : Callee(b.Terminator) is { } r && isPsAbi ? site.After(regions[r].Writes) : site;

    /// <summary>The regions that code which nobody knows may call, and those it may jump to from another stack.</summary>
    public IReadOnlyList<int> Callable => callable;
    public IReadOnlyList<int> Jumpable => jumpable;

    /// <summary>The regions in the middle of its function that a region's jumps may reach.</summary>
    public IReadOnlyList<int> Inside(int r) => regions[r].Inside;

    /// <summary>Whether a region goes on on another stack.</summary>
    public bool SwitchesStack(int r) => regions[r].SwitchesStack;

    /// <summary>What code without a region reads: in the image, anything (it may be the middle of a function); elsewhere (a call of 0, say) what the psABI says.</summary>
    public Live Unknown(ulong pc) => isExecutable(pc) ? new(Transient.All, Transient.All) : Wanted(Transients.Arguments);

    /// <summary>The region that is called; null: none, or it is not known which.</summary>
    public int? Callee(Inst call) => call.Args[0] is Const callee ? Number((ulong)callee.Bits) : null;

    /// <summary>What a callee that its caller does not know may overwrite (psABI 3.2.1); the one of a TLS descriptor keeps all but rax, its argument and result.</summary>
    Transient UnknownWrites(Block b) => !isPsAbi ? 0 : IsOfDescriptor(b) ? descriptorWrites : unknownWrites;

    /// <summary><c>lea rax, [rip + descriptor]; call [rax]</c>.</summary>
    bool IsOfDescriptor(Block b) => hasDescriptors &&
        b.Terminator.Args[0] is Inst { Op: Op.Load, Args: [Inst { Op: Op.Get, Detail: Detail.Register { Reg: { Name: "rax", Byte: 0 } } }] };

    static readonly Transient unknownWrites = Transient.All & ~Transients.Preserved, descriptorWrites = Transients.Of("rax") | Transient.Flags;

    /// <summary>An indirect jump whose table, if any, may have been guessed wrong; a return on a stack from elsewhere: its first one starts a coroutine.</summary>
    public bool MayGoAnywhere(int r, Inst end) => end.Op is Op.Jump or Op.SwitchOn || end.Op == Op.Ret && regions[r].SwitchesStack;

    /// <summary>What unknown targets of a region's jumps read. A tail call goes where calls go, a computed goto into its function, too; one from a new stack anywhere.</summary>
    public Live JumpIn(int r) => regions[r].SwitchesStack ? jumpIn : regions[r].Inside.Aggregate(callIn, (all, target) => all | regions[target].Use);

    /// <summary>Derives the summary of each region, again whenever one that it follows from has changed.</summary>
    void UntilStable(Func<int, bool> changes)
    {
        var pending = new Worklist(regions.Length);
        pending.Run(r => { if (changes(r)) foreach (int user in regions[r].Users) pending.Add(user); });
    }

    bool WritesGrow(int r)
    {
        var writes = regions[r].Writes;
        foreach (var b in regions[r].Function.Blocks) writes |= regions[r].Effects[b.Label].Writes | WrittenBehind(r, b);
        return writes != Exchange(ref regions[r].Writes, writes);
    }

    static T Exchange<T>(ref T place, T now)
    {
        var before = place;
        place = now;
        return before;
    }

    Transient WrittenBehind(int r, Block b)
    {
        var end = b.Terminator;
        var all = end.Op == Op.CallTo ? Callee(end) is { } callee ? regions[callee].Writes : Transient.All : MayGoAnywhere(r, end) ? Transient.All : 0;
        foreach (var to in end.Successors()) if (!regions[r].Before.ContainsKey(to)) all |= Number(to.Address) is { } next ? regions[next].Writes : Transient.All;
        return all;
    }

    bool OverwritesShrink(int r)
    {
        var region = regions[r];
        for (bool again = true; again;)
        {
            again = false;
            foreach (var b in Enumerable.Reverse(region.Function.Blocks))
            {
                var now = region.Effects[b.Label].Kills | OverwrittenBehind(region, b);
                again |= now != region.Overwritten[b.Label];
                region.Overwritten[b.Label] = now;
            }
        }
        var entry = region.Overwritten[region.Function.Blocks[0].Label];
        return entry != Exchange(ref region.Overwrites, entry);
    }

    Transient OverwrittenBehind(Region region, Block b)
    {
        var end = b.Terminator;
        if (end.Op is Op.Ret or Op.Jump or Op.SwitchOn or Op.Switch) return 0;
        if (!returning.MayFollow(b)) return Transient.All;
        var all = Transient.All;
        foreach (var to in end.Successors()) all &= region.Overwritten.TryGetValue(to, out var inside) ? inside : Number(to.Address) is { } r ? regions[r].Overwrites : 0;
        return all | (end.Op == Op.CallTo && Callee(end) is { } callee ? regions[callee].Overwrites : 0);
    }

    bool UseGrows(int r)
    {
        var region = regions[r];
        Backwards.Solve(region.Function, region.Effects, region.Before, b => UsedBehind(r, b));
        var use = region.Before[region.Function.Blocks[0].Label];
        if (isPsAbi && region.IsVariadic) use = new(use.Hard & ~Variadic.Saved, use.Soft | use.Hard & Variadic.Saved);
        return use != Exchange(ref region.Use, use);
    }

    /// <summary>Nobody keeps a value for a callee that he does not know over calls that may overwrite it.</summary>
    bool AnyCalleeUsesMore()
    {
        Live UsedByAny(int[] those) => Wanted(those.Aggregate(Transients.Arguments, (all, r) => all | regions[r].Use.All));
        var (call, jump) = (UsedByAny(callable), UsedByAny(jumpable));
        bool rax = raxIsRead || handWritten.Any(r => (regions[r].Use.Hard & Variadic.Count) != 0);
        return rax != Exchange(ref raxIsRead, rax) | call != Exchange(ref callIn, call) | jump != Exchange(ref jumpIn, jump);
    }

    Live UsedBehind(int r, Block b)
    {
        var end = b.Terminator;
        var next = returning.MayFollow(b) ? Following(r, end) : default;
        return end.Op == Op.CallTo ? BeforeCall(r, b, next) : MayGoAnywhere(r, end) ? next | JumpIn(r) : next;
    }

    Live Following(int r, Inst end)
    {
        Live live = default;
        foreach (var to in end.Successors())
            live |= regions[r].Before.TryGetValue(to, out var inside) ? inside : Number(to.Address) is { } target ? regions[target].Use : Unknown(to.Address);
        return live;
    }
}
