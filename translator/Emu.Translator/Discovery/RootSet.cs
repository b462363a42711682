using Emu.Translator.Elf;

namespace Emu.Translator.Discovery;

/// <summary>Roots with their reasons while they are being collected.</summary>
internal sealed class RootSet(Image image)
{
    const RootReason Pointer = RootReason.CodePointer | RootReason.DataPointer;

    readonly Dictionary<ulong, RootReason> reasons = [];
    readonly SortedSet<ulong> functions = [];

    public Queue<ulong> New { get; } = [];

    public void Add(ulong pc, RootReason reason)
    {
        if (!image.IsExecutable(pc)) return;
        if (!reasons.TryGetValue(pc, out var known)) New.Enqueue(pc);
        reasons[pc] = known | reason;
        if (IsFunction(pc)) functions.Add(pc);
    }

    public void Remove(ulong pc)
    {
        reasons.Remove(pc);
        functions.Remove(pc);
    }

    public RootReason ReasonOf(ulong pc) => reasons.GetValueOrDefault(pc);

    public bool Contains(ulong pc) => reasons.ContainsKey(pc);

    /// <summary>Surely the start of a function (a pointer alone does not prove it).</summary>
    public bool IsFunction(ulong pc) => (ReasonOf(pc) & RootReason.Function & ~Pointer) != 0;

    /// <summary>The nearest function at or below a PC and the next one above it.</summary>
    public (ulong First, ulong Next) FunctionsAround(ulong pc)
    {
        if (functions.Count == 0) return (0, ulong.MaxValue);
        var (from, to) = (functions.GetViewBetween(0, pc), functions.GetViewBetween(pc + 1, ulong.MaxValue));
        return (from.Max, to.Min is var next and not 0 ? next : ulong.MaxValue);
    }

    /// <summary>All roots by address; those only known from pointers into the middle of a function are marked so.</summary>
    public List<Root> Sorted() => [.. reasons.OrderBy(r => r.Key).Select(r => new Root(r.Key, r.Value | (IsInside(r.Key) ? RootReason.Inside : 0)))];

    bool IsInside(ulong pc) => !IsFunction(pc) && Extent.Of(image, pc) is { } extent && extent.Start != pc;

    /// <summary>What the file itself names.</summary>
    public void AddNamed(IEnumerable<ulong> extraRoots)
    {
        if (image.HasEntry) Add(image.Entry, RootReason.Entry);
        var cold = image.Symbols.All.Where(IsCold).Select(s => s.Address).ToHashSet();
        foreach (var symbol in image.Symbols.All)
            if (symbol.IsFunction && !IsCold(symbol))
                Add(symbol.Address, RootReason.Symbol);
        foreach (var frame in image.Frames)
            if (!frame.IsPart && !cold.Contains(frame.Start))
                Add(frame.Start, RootReason.Frame);
        foreach (var pc in image.InitializersAndFinalizers()) Add(pc, RootReason.Initializer);
        foreach (var relocation in image.Relocations)
            if (relocation.Type == RelocationType.Irelative)
                Add(relocation.Value, RootReason.Resolver);
        foreach (var pc in image.LazyBindings()) Add(pc, RootReason.DataPointer);
        foreach (var pc in image.LandingPads()) Add(pc, RootReason.LandingPad);
        foreach (var pc in extraRoots) Add(pc, RootReason.Extra);
    }

    /// <summary>gcc and clang name the split-off part of a function so.</summary>
    static bool IsCold(Symbol symbol) => symbol.Name.Contains(".cold", StringComparison.Ordinal);
}

/// <summary>The address range of the function around a PC, from frames or sized symbols.</summary>
internal readonly record struct Extent(ulong Start, ulong End)
{
    public bool Contains(ulong pc) => pc >= Start && pc < End;

    public static Extent? Of(Image image, ulong pc)
    {
        if (image.FrameAt(pc) is { } frame) return new(frame.Start, frame.End);
        return image.Symbols.Find(pc) is { Size: > 0, IsFunction: true } symbol ? new(symbol.Address, symbol.Address + symbol.Size) : null;
    }
}
