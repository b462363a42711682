using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>When a region asks whether the guest's code is still what it was translated from. Code known ahead of time never asks.</summary>
public enum GuardKind
{
    /// <summary>Never.</summary>
    None,
    /// <summary>Where it is entered, at first and after calls: its pages are not writable, only a system call can change them.</summary>
    Entry,
    /// <summary>Also on each edge behind a store, and at the safepoints of loops when the core says so: its pages are writable, and watched.</summary>
    Stores,
    /// <summary>On each edge behind a store and where loops close, by comparing the code's bytes: its pages are writable, and not watched.</summary>
    Bytes,
}

/// <summary>A region's question, and the code that it is about.</summary>
/// <param name="Code">Runs of guest code: address and contents.</param>
public sealed record Guard(GuardKind Kind, IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> Code)
{
    public static readonly Guard None = new(GuardKind.None, []);

    /// <summary>All of it as text, for a cache key.</summary>
    public string Describe() => Kind < GuardKind.Bytes ? $"{Kind}" : $"{Kind} {string.Join(' ', Code.Select(r => $"{r.Address:x}:{Convert.ToHexStringLower(r.Bytes.Span)}"))}";

    /// <summary>
    /// Whether an edge within the region asks: after a jump behind a store, new code must be seen (Intel SDM vol. 3, 8.1.3). Where a loop closes, the
    /// core asks for it as soon as somebody withdraws the region; that bytes have changed nobody tells.
    /// </summary>
    public bool Asks(Block from, Label to) => Kind >= GuardKind.Stores && to.Part == 0
        && (ClosesLoop(from, to) ? Kind == GuardKind.Bytes : from.Label.Part != 0 || from.Code.Any(i => i.Op.Has(Effect.Store | Effect.Helper)));

    /// <summary>Whether an edge may leave the region for other code at the same PC, which may read what this code does not.</summary>
    public bool MayLeave(Block from, Label to) => Kind >= GuardKind.Stores && ClosesLoop(from, to) || Asks(from, to);

    /// <summary>Whether an edge goes back, in a region that may be left there.</summary>
    public static bool ClosesLoop(Block from, Label to) => to.Part == 0 && to.CompareTo(from.Label) <= 0;
}
