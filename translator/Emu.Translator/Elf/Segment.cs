namespace Emu.Translator.Elf;

/// <summary>A PT_LOAD segment at its run-time address. Bytes past <see cref="Bytes"/> (up to Size) are zero.</summary>
public sealed record Segment(ulong Address, ulong Size, ulong FileOffset, bool IsReadable, bool IsWritable, bool IsExecutable)
{
    /// <summary>Initial contents: the file's bytes, with relative relocations applied.</summary>
    public ReadOnlyMemory<byte> Bytes { get; internal set; }

    /// <summary>First address after the segment.</summary>
    public ulong End => Address + Size;

    /// <summary>Whether the address lies inside.</summary>
    public bool Contains(ulong address) => address - Address < Size;
}
