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
    readonly int[] callable, jumpable;
    readonly Func<ulong, Transient> writtenThrough;
    readonly bool isPsAbi, isClosed;
    Live callIn, jumpIn;
    Transient readByCallable;

    /// <summary>One region: its facts first, then what follows from those of others.</summary>
    sealed class Region(Function f)
    {
        public readonly Function Function = f;
        public readonly FrameFlow Frame = FrameFlow.Of(f);
        public readonly bool IsVariadic = Variadic.Is(f);
        public readonly bool IsStub = Summaries.IsStub(f);
        public bool IsForeign, IsPart;
        public readonly Dictionary<Label, BlockEffect> Effects = EffectsOf(f);
        public readonly Dictionary<Label, Live> Before = f.Blocks.ToDictionary(b => b.Label, _ => default(Live));
        public readonly Dictionary<Label, Transient> Overwritten = f.Blocks.ToDictionary(b => b.Label, _ => Transient.All);
        public int[] Inside = [], ReturnSites = [];
        public readonly HashSet<int> Users = []; // regions whose summary follows from this one's
        public Live Use;
        public Transient Writes, Overwrites = Transient.All;

        /// <summary>What it writes, and is at the end as it was.</summary>
        public Transient PutsBack => Frame.Restored & Effects.Values.Aggregate(Transient.None, (all, e) => all | e.Writes);

        static Dictionary<Label, BlockEffect> EffectsOf(Function f)
        {
            bool restores = f.Blocks.Any(BlockEffect.Restores);
            return f.Blocks.ToDictionary(b => b.Label, b => BlockEffect.Of(b, restores));
        }
    }

    /// <param name="writtenThrough">What the function may change that the dynamic linker puts into a slot, as far as it is known.</param>
    public Summaries(IReadOnlyList<Function> functions, Discovery.Program program, Returning returning, Func<ulong, Transient> writtenThrough)
    {
        (this.writtenThrough, this.returning, isExecutable, isPsAbi) = (writtenThrough, returning, program.Image.IsExecutable, !program.Image.HasOwnConventions);
        isClosed = !program.Image.Imports.Any();
        callIn = jumpIn = Wanted(Transients.Arguments | Transients.Everything);
        numbers = functions.Select((f, n) => (f.Entry, n)).ToDictionary(p => p.Entry, p => p.n);
        regions = [.. functions.AsParallel().AsOrdered().Select(f => new Region(f))];
        int[] Roots(Func<RootReason, bool> which) => [.. Enumerable.Range(0, regions.Length).Where(r => which(program.ReasonOf(functions[r].Entry)))];
        callable = Roots(IsCallable);
        jumpable = Roots(reason => (reason & RootReason.AddressTaken) != 0);
        if (!isClosed || program.Image.Exports.Any())
            foreach (int r in callable.Concat(program.Image.Exports.Select(s => Number(s.Address)).OfType<int>())) regions[r].IsForeign = true;
        foreach (int r in Roots(reason => (reason & Part) != 0 || reason == 0)) regions[r].IsPart = true;
        var owners = new Owners(program.Roots);
        foreach (var r in regions)
            r.Inside = [.. r.Function.Blocks.Where(b => b.Terminator.Op is Op.Jump or Op.SwitchOn).SelectMany(b => owners.Inside(b.Label.Address)).Distinct().Select(pc => numbers[pc])];
        foreach (var r in regions) r.ReturnSites = [.. r.Frame.Pushed.Select(Number).OfType<int>()];
        for (int r = 0; r < regions.Length; r++) foreach (int used in UsedBy(regions[r])) regions[used].Users.Add(r);
        UntilStable(WritesGrow);
    }

    /// <summary>What needs more than a look at what regions write.</summary>
    public void Solve()
    {
        UntilStable(OverwritesShrink);
        do UntilStable(UseGrows);
        while (AnyCalleeUsesMore());
    }

    /// <summary>The regions that a region calls, goes on in or may jump into.</summary>
    IEnumerable<int> UsedBy(Region region) => region.Inside.Concat(region.ReturnSites).Concat(region.Function.Blocks.Select(b => b.Terminator)
        .SelectMany(end => end.Successors().Where(to => !region.Before.ContainsKey(to)).Select(to => Number(to.Address)).Append(end.Op == Op.CallTo ? Callee(end) : null)).OfType<int>());

    const RootReason Part = RootReason.Inside | RootReason.LandingPad | RootReason.SecondReturn | RootReason.TableGuess | RootReason.Split;

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
    public Live BeforeCall(Block b, Live site)
    {
        var call = b.Terminator;
        return Callee(call) is { } known ? BeforeRegion(known, site) : site.Through(UnknownWrites(b), 0) | (call.Args[0] is Const pc ? Unknown((ulong)pc.Bits) : callIn);
    }

    /// <summary>What is live at a region's entry when <paramref name="after"/> is where it returns.</summary>
    public Live BeforeRegion(int r, Live after) => regions[r].Use | after.Through(isPsAbi ? Writes(r) : regions[r].Overwrites, regions[r].Overwrites);

    /// <summary>What a region may change, and all that it calls.</summary>
    Transient Writes(int r) => regions[r].IsStub ? WrittenThrough(regions[r].Function.Blocks[0].Terminator) : regions[r].Writes;

    /// <summary>
    /// What a region hands over to callers that nobody knows. Another module may read anything; of upper halves that the psABI does not speak of it finds
    /// those in the state, and those that the region itself has put back.
    /// </summary>
    public Live ReturnsOf(int r) => Wanted(Transients.Results) | (isPsAbi && regions[r].IsForeign ? new(Transients.Everything | regions[r].PutsBack, 0) : default);

    /// <summary>What each exported function of an image may change, and all that it calls.</summary>
    public static IReadOnlyDictionary<ulong, Transient> Written(IReadOnlyList<Function> functions, Discovery.Program program)
    {
        var all = new Summaries(functions, program, new(functions, program.EndOfFunction), _ => 0);
        return program.Image.Exports.Select(s => s.Address).Distinct().Order().ToDictionary(pc => pc, pc => all.Number(pc) is { } r ? all.regions[r].Writes : 0);
    }

    /// <summary>What whoever is called has to hand over where <paramref name="site"/> is live at the return site; code that is met at run time hands over everything.</summary>
    public Live AfterCall(Block b, Live site) =>
        b.Terminator.Args[0] is not Const ? site.After(UnknownWrites(b)) : Callee(b.Terminator) is { } r && isPsAbi ? site.After(Writes(r)) : site;

    /// <summary>The regions that code which nobody knows may call, and those it may jump to from another stack.</summary>
    public IReadOnlyList<int> Callable => callable;
    public IReadOnlyList<int> Jumpable => jumpable;

    /// <summary>The regions in the middle of its function that a region's jumps may reach.</summary>
    public IReadOnlyList<int> Inside(int r) => regions[r].Inside;

    /// <summary>Whether a region goes on on another stack.</summary>
    public bool SwitchesStack(int r) => regions[r].Frame.SwitchesStack;

    /// <summary>What code without a region reads: in the image, anything (it may be the middle of a function); elsewhere (a call of 0, say) what the psABI says.</summary>
    public Live Unknown(ulong pc) => isExecutable(pc) ? new(Transient.All, Transient.All) : Wanted(Transients.Arguments);

    /// <summary>The region that is called; null: none, or it is not known which.</summary>
    public int? Callee(Inst call) => call.Args[0] is Const callee ? Number((ulong)callee.Bits) : null;

    /// <summary>What a callee that its caller does not know surely does not keep for another one.</summary>
    Transient UnknownWrites(Block b) => isPsAbi ? WrittenThrough(b.Terminator) : 0;

    /// <summary>
    /// Nothing is known of a pointer's target, but in a program that is all there is: there only code that it makes itself might read what none of its
    /// functions reads, and that is held to the psABI.
    /// </summary>
    Transient WrittenThrough(Inst end) => Transient.All & ~Transients.Preserved
        & (~Transients.Everything | (isClosed ? ~readByCallable : end.Args is [Inst { Op: Op.Load, Args: [Const slot] }] ? writtenThrough((ulong)slot.Bits) : 0));

    /// <summary>An indirect jump whose table, if any, may have been guessed wrong; a return on a stack from elsewhere (its first one starts a coroutine), or past its own caller.</summary>
    public bool MayGoAnywhere(int r, Inst end) => end.Op is Op.Jump or Op.SwitchOn
        || end.Op == Op.Ret && regions[r].Frame.KindOf(end) is var kind && (kind == ReturnKind.Above ? !regions[r].IsPart : kind != ReturnKind.ToCaller);

    /// <summary>The roots whose addresses a region has put where the code that it goes on in will return to.</summary>
    public IReadOnlyList<int> ReturnSites(int r) => regions[r].ReturnSites;

    /// <summary>What unknown targets of a region's jumps read. A tail call goes where calls go, a computed goto into its function, too; one from a new stack anywhere.</summary>
    public Live JumpIn(int r) => regions[r].Frame.SwitchesStack ? jumpIn : regions[r].Inside.Aggregate(callIn, (all, target) => all | regions[target].Use);

    /// <summary>Derives the summary of each region, again whenever one that it follows from has changed.</summary>
    void UntilStable(Func<int, bool> changes)
    {
        var pending = new Worklist(regions.Length);
        pending.Run(r => { if (changes(r)) foreach (int user in regions[r].Users) pending.Add(user); });
    }

    /// <summary>What a region saves and puts back is not written; what it goes on to when it has left may write it.</summary>
    bool WritesGrow(int r)
    {
        var region = regions[r];
        Transient inside = 0, behind = 0;
        foreach (var b in region.Function.Blocks)
            if (b.Terminator.Op == Op.CallTo) inside |= region.Effects[b.Label].Writes | WrittenBehind(r, b);
            else (inside, behind) = (inside | region.Effects[b.Label].Writes, behind | WrittenBehind(r, b));
        var writes = region.Writes | inside & ~region.Frame.Restored | behind;
        return writes != Exchange(ref regions[r].Writes, writes);
    }

    static T Exchange<T>(ref T place, T now)
    {
        var before = place;
        place = now;
        return before;
    }

    /// <summary>What code that nobody knows may change counts only as far as nobody may want it back.</summary>
    Transient WrittenBehind(int r, Block b)
    {
        var end = b.Terminator;
        var unknown = !isPsAbi ? Transient.All : Transients.Results | ~Transients.Everything & Transient.All | (isClosed ? 0 : WrittenThrough(end));
        var all = end.Op == Op.CallTo ? Callee(end) is { } callee ? regions[callee].Writes : unknown : MayGoAnywhere(r, end) ? unknown : 0;
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
        Live UsedByAny(int[] those) => Wanted(those.Aggregate(Transients.Arguments | Transients.Everything, (all, r) => all | regions[r].Use.All));
        var (call, jump) = (UsedByAny(callable), UsedByAny(jumpable));
        readByCallable = callable.Aggregate(readByCallable, (all, r) => all | regions[r].Use.Hard | (regions[r].IsVariadic ? Variadic.Saved : 0));
        return call != Exchange(ref callIn, call) | jump != Exchange(ref jumpIn, jump);
    }

    Live UsedBehind(int r, Block b)
    {
        var end = b.Terminator;
        var next = returning.MayFollow(b) ? Following(r, end) : default;
        if (end.Op == Op.CallTo) return BeforeCall(b, next);
        if (end.Op != Op.Ret) next = regions[r].ReturnSites.Aggregate(next, (all, site) => all | regions[site].Use);
        return MayGoAnywhere(r, end) ? next | JumpIn(r) : next;
    }

    Live Following(int r, Inst end)
    {
        Live live = default;
        foreach (var to in end.Successors())
            live |= regions[r].Before.TryGetValue(to, out var inside) ? inside : Number(to.Address) is { } target ? regions[target].Use : Unknown(to.Address);
        return live;
    }
}
