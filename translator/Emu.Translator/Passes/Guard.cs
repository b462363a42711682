using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>When a region asks whether the guest's code is still what it was translated from. Code known ahead of time never asks.</summary>
public enum GuardKind
{
    /// <summary>Never.</summary>
    None,
    /// <summary>Where it is entered, at first and after calls, and behind instructions that serialise: its pages are not writable, only a system call can change them.</summary>
    Entry,
    /// <summary>Also behind each store, and at the safepoints of loops when the core says so: its pages are writable, and watched.</summary>
    Stores,
    /// <summary>Behind each store and at the start of each block, by comparing its bytes: its pages are writable, and not watched.</summary>
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
    /// Whether an edge within the region asks: new code must be seen at the instruction behind a store (Intel SDM vol. 3, 9.1.3), on other
    /// processors behind one that serialises. Where a loop closes, the core asks for it as soon as somebody withdraws the region; that bytes
    /// have changed nobody tells, so each block compares its own.
    /// </summary>
    public bool Asks(Block from, Label to) => to.Part == 0 && Kind switch
    {
        GuardKind.Bytes => true,
        GuardKind.Stores when ClosesLoop(from, to) => false,
        _ => MayChange(from.Label) || from.Code.Exists(MayChange),
    };

    /// <summary>Whether code may be another one behind an operation: one that stores, or serialises.</summary>
    public bool MayChange(Inst i) => Kind >= GuardKind.Stores ? i.Op.Has(Effect.Store | Effect.Helper) : Kind == GuardKind.Entry && i.Op == Op.Helper;

    /// <summary>The same of an instruction that is blocks of its own, at the start of one: an earlier one may have stored.</summary>
    public bool MayChange(Label within) => Kind >= GuardKind.Stores && within.Part != 0;

    /// <summary>Of the code that must not have changed, what a block was made from.</summary>
    public IEnumerable<(ulong Address, ReadOnlyMemory<byte> Bytes)> Of(Block b)
    {
        const ulong longest = 15;
        ulong start = b.Label.Address, end = b.Code.Select(i => i.Detail).OfType<Detail.Guest>().Aggregate(start, (_, i) => i.Address + (ulong)i.Length);
        if (b.Terminator.Op == Op.Trap) end += longest; // of an instruction that there is not
        foreach (var (address, bytes) in Code)
        {
            ulong from = Math.Max(start, address), to = Math.Min(end, address + (ulong)bytes.Length);
            if (from < to) yield return (from, bytes[(int)(from - address)..(int)(to - address)]);
        }
    }

    /// <summary>Whether an edge may leave the region for other code at the same PC, which may read what this code does not.</summary>
    public bool MayLeave(Block from, Label to) => Kind >= GuardKind.Stores && ClosesLoop(from, to) || Asks(from, to);

    /// <summary>Whether an edge goes back, in a region that may be left there.</summary>
    public static bool ClosesLoop(Block from, Label to) => to.Part == 0 && to.CompareTo(from.Label) <= 0;
}
