using Emu.Translator.Passes;

namespace Emu.Fallback;

/// <summary>What a translation relies on.</summary>
/// <param name="Code">The guest's code it was made from, without immediates that are read where they are.</param>
/// <param name="Patched">Instructions whose immediates those are.</param>
/// <param name="CallsImage">Whether it calls regions that were translated ahead of time.</param>
sealed record Source(IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> Code, IReadOnlySet<ulong> Patched, GuardKind Guard, bool CallsImage)
{
    /// <summary>Whether it is one instruction, of a guest that goes step by step.</summary>
    public bool IsStep { get; init; }

    /// <summary>Whether it was made from these bytes there.</summary>
    public bool Has(ulong address, ReadOnlySpan<byte> bytes)
    {
        foreach (var run in Code)
            if (address >= run.Address && address + (ulong)bytes.Length <= run.Address + (ulong)run.Bytes.Length)
                return run.Bytes.Span.Slice((int)(address - run.Address), bytes.Length).SequenceEqual(bytes);
        return false;
    }

    /// <summary>Whether an address is in it.</summary>
    public bool Has(ulong address) => Code.Any(r => address - r.Address < (ulong)r.Bytes.Length);

    /// <summary>The 4096 bytes at an address as far as they are in it; null where nothing is.</summary>
    public ReadOnlyMemory<byte>? Page(ulong at)
    {
        const int size = 4096;
        byte[]? page = null;
        foreach (var (address, bytes) in Code)
        {
            ulong from = Math.Max(at, address), to = Math.Min(at + size, address + (ulong)bytes.Length);
            if (from >= to) continue;
            page ??= new byte[size];
            bytes.Span[(int)(from - address)..(int)(to - address)].CopyTo(page.AsSpan((int)(from - at)));
        }
        return page is null ? null : new(page); // a null array would become empty memory
    }
}

/// <summary>A translation of the code at a PC.</summary>
/// <param name="Id">The region's.</param>
/// <param name="Record">Where the core finds what it needs to know (struct region).</param>
/// <param name="Host">Its code.</param>
/// <param name="HasExactFaults">Whether the guest's registers are known where it faults; in the first tier they always are.</param>
sealed record Version(uint Id, ulong Record, ulong Host, bool IsFirstTier, bool HasExactFaults, Source Source);
