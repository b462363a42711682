using System.Runtime.InteropServices;
using Emu.Translator.Elf;

namespace Emu.Translator.Closure;

/// <summary>A file of a dynamic program besides the program itself, placed: the dynamic linker, a library.</summary>
/// <param name="Path">Where it is, without links.</param>
/// <param name="Identity">How the runner recognises it.</param>
public sealed record Module(string Path, Image Image, FileIdentity Identity)
{
    /// <summary>Run-time addresses that are roots whether or not discovery finds them.</summary>
    public IReadOnlyList<ulong> Roots { get; init; } = [];

    /// <summary>Its pages.</summary>
    public (ulong From, ulong To) Range => RangeOf(Image);

    /// <summary>The pages of a file.</summary>
    public static (ulong From, ulong To) RangeOf(Image image) => (image.Segments[0].Address & ~0xffful, (image.Segments.Max(s => s.End) + 0xfff) & ~0xffful);
}

/// <summary>A file as it was when it was translated (runtime/core/modules.c compares). Times in nanoseconds.</summary>
public sealed record FileIdentity(ulong Device, ulong Inode, ulong Size, ulong Modified, ulong Changed, ulong Hash)
{
    /// <summary>The same as hash_of in runtime/core/modules.c.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> bytes)
    {
        ulong hash = (ulong)bytes.Length;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes)) hash = Mixed(hash, word);
        ulong last = 0;
        int whole = bytes.Length & ~7;
        for (int n = whole; n < bytes.Length; n++) last |= (ulong)bytes[n] << 8 * (n - whole);
        return whole < bytes.Length ? Mixed(hash, last) : hash;
    }

    static ulong Mixed(ulong hash, ulong word)
    {
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        return hash ^ hash >> 29;
    }
}
