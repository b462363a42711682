using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>When a region asks whether the guest's code is still what it was translated from. Code known ahead of time never asks.</summary>
public enum GuardKind
{
    /// <summary>Never.</summary>
    None,
    /// <summary>Where it is entered, at first and after calls: its pages are not writable, only a system call can change them.</summary>
    Entry,
    /// <summary>Also before each branch behind a store, and where loops close: its pages are writable, and watched.</summary>
    Stores,
    /// <summary>The same, by comparing the code's bytes: its pages are writable, and not watched.</summary>
    Bytes,
}

/// <summary>A region's question, and the code that it is about.</summary>
/// <param name="Code">Runs of guest code: address and contents.</param>
public sealed record Guard(GuardKind Kind, IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> Code)
{
    public static readonly Guard None = new(GuardKind.None, []);

    /// <summary>All of it as text, for a cache key.</summary>
    public string Describe() => Kind < GuardKind.Bytes ? $"{Kind}" : $"{Kind} {string.Join(' ', Code.Select(r => $"{r.Address:x}:{Convert.ToHexStringLower(r.Bytes.Span)}"))}";

    /// <summary>Whether a block asks before it branches: after that, new code must be seen (Intel SDM vol. 3, 8.1.3).</summary>
    public bool At(Block b) => Kind >= GuardKind.Stores && b.Terminator.Op is Op.Goto or Op.Branch or Op.Switch or Op.SwitchOn or Op.CallTo
        && b.Terminator.Successors().All(l => l.Part == 0)
        && (b.Terminator.Successors().Any(l => l.Address <= b.Label.Address) || b.Code.Any(i => i.Op.Has(Effect.Store | Effect.Helper)));
}
