using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Why a PC has a region; several may hold.</summary>
[Flags]
public enum RootReason
{
    /// <summary>Not a root.</summary>
    None = 0,
    /// <summary>The program's entry point.</summary>
    Entry = 1 << 0,
    /// <summary>A function symbol.</summary>
    Symbol = 1 << 1,
    /// <summary>Start of a frame description.</summary>
    Frame = 1 << 2,
    /// <summary>Target of a direct call.</summary>
    Call = 1 << 3,
    /// <summary>Named by an init or fini array.</summary>
    Initializer = 1 << 4,
    /// <summary>Resolver of an IRELATIVE relocation.</summary>
    Resolver = 1 << 5,
    /// <summary>An instruction makes this address (lea, immediate).</summary>
    CodePointer = 1 << 6,
    /// <summary>A word of initial data holds this address.</summary>
    DataPointer = 1 << 7,
    /// <summary>Exception landing pad.</summary>
    LandingPad = 1 << 8,
    /// <summary>Return site of a function that returns more than once, or where a new thread begins.</summary>
    SecondReturn = 1 << 9,
    /// <summary>Named by the caller, for example missed by an earlier run.</summary>
    Extra = 1 << 10,
    /// <summary>A region grew too large here.</summary>
    Split = 1 << 11,
    /// <summary>Not entered as a function: an address inside one.</summary>
    Inside = 1 << 12,
    /// <summary>May be a target of an indirect jump that was not resolved.</summary>
    TableGuess = 1 << 13,

    /// <summary>Code can reach it through a register or memory.</summary>
    AddressTaken = Entry | Initializer | Resolver | CodePointer | DataPointer | LandingPad | SecondReturn | Extra | TableGuess,
    /// <summary>Reasons that make a function of it: jumps there leave the region.</summary>
    Function = Entry | Symbol | Frame | Call | Initializer | Resolver | CodePointer | DataPointer,
}

/// <summary>A PC that has a region.</summary>
public readonly record struct Root(ulong Address, RootReason Reason)
{
    /// <summary>A jump there from other code leaves the jumping region.</summary>
    public bool IsBarrier => (Reason & RootReason.Split) != 0 || (Reason & RootReason.Function) != 0 && (Reason & RootReason.Inside) == 0;
}

/// <summary>An indirect jump without known targets.</summary>
public sealed record UnresolvedJump(ulong Address, Instruction Instruction, string Why);

/// <summary>Everything discovery found in an image, ordered by address.</summary>
public sealed class Program
{
    readonly Dictionary<ulong, GuestRegion> byRoot;
    readonly Dictionary<ulong, RootReason> reasons;

    internal Program(Image image, IReadOnlyList<Root> roots, IReadOnlyList<GuestRegion> regions, IReadOnlyList<UnresolvedJump> unresolved)
    {
        (Image, Roots, Regions, Unresolved) = (image, roots, regions, unresolved);
        byRoot = regions.ToDictionary(r => r.Root);
        reasons = roots.ToDictionary(r => r.Address, r => r.Reason);
    }

    /// <summary>The program's image.</summary>
    public Image Image { get; }

    /// <summary>Roots by address; <see cref="Regions"/> has the same order.</summary>
    public IReadOnlyList<Root> Roots { get; }

    /// <summary>One region per root.</summary>
    public IReadOnlyList<GuestRegion> Regions { get; }

    /// <summary>Indirect jumps without known targets; tail calls through pointers are here too.</summary>
    public IReadOnlyList<UnresolvedJump> Unresolved { get; }

    /// <summary>Why a PC is a root.</summary>
    public RootReason ReasonOf(ulong root) => reasons.GetValueOrDefault(root);

    /// <summary>The end of the function that a PC is in: the later one where its frame and its symbol differ, null when there is neither.</summary>
    public ulong? EndOfFunction(ulong pc) =>
        (Image.FrameAt(pc)?.End, Image.Symbols.Find(pc) is { Size: > 0 } s ? (ulong?)(s.Address + s.Size) : null) switch
        {
            ({ } frame, { } symbol) => Math.Max(frame, symbol),
            var (frame, symbol) => frame ?? symbol,
        };

    /// <summary>The region of a root, null when the PC is none.</summary>
    public GuestRegion? RegionAt(ulong root) => byRoot.GetValueOrDefault(root);
}
