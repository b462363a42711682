namespace Emu.Translator.Elf;

/// <summary>A program header, as in the file (gABI, "Program Header"); addresses without the load base.</summary>
internal readonly record struct ProgramHeader(
    uint Type, uint Flags, ulong Offset, ulong Address, ulong FileSize, ulong MemorySize)
{
    public const uint Load = 1, Dynamic = 2, Interp = 3, Note = 4, Tls = 7, EhFrame = 0x6474e550, Relro = 0x6474e552;
}

/// <summary>A section header; the address is a run-time address once it is part of an <see cref="Image"/>.</summary>
public sealed record Section(
    string Name, uint Type, ulong Flags, ulong Address, ulong Offset, ulong Size, uint Link, ulong EntrySize)
{
    internal const uint SymbolTable = 2, Rela = 4, NoBits = 8, InitArray = 14, FiniArray = 15, PreinitArray = 16,
        DynamicSymbols = 11, Relr = 19;

    /// <summary>The section occupies memory at run time (SHF_ALLOC).</summary>
    public bool IsAllocated => (Flags & 2) != 0;

    /// <summary>The section holds instructions (SHF_EXECINSTR).</summary>
    public bool IsCode => (Flags & 4) != 0;
}

/// <summary>The ELF header and its two tables, checked (gABI chapter 4 and 5; System V ABI, AMD64 supplement).</summary>
internal sealed record ElfHeaders(bool IsPie, ulong Entry, ulong HeaderOffset, IReadOnlyList<ProgramHeader> Programs, IReadOnlyList<Section> Sections)
{
    const int SizeOfHeader = 64, SizeOfProgramHeader = 56, SizeOfSectionHeader = 64;
    const ushort Executable = 2, SharedObject = 3, X86_64 = 62;

    public static ElfHeaders Read(ReadOnlySpan<byte> file)
    {
        CheckIdent(file);
        if (file.Length < SizeOfHeader) throw new BadInputException($"truncated ELF file: {file.Length} bytes");
        var at = new Cursor(file) { Position = 16 };
        var type = at.U16();
        var machine = at.U16();
        if (machine != X86_64) throw new BadInputException($"wrong machine: {MachineName(machine)}, not x86-64");
        if (type is not (Executable or SharedObject)) throw new BadInputException($"not an executable: {TypeName(type)}");
        at.Position = 24;
        var (entry, programs, sections) = (at.U64(), at.U64(), at.U64());
        at.Position = 54;
        var (programSize, programCount, sectionSize, sectionCount, names) = (at.U16(), at.U16(), at.U16(), at.U16(), at.U16());
        if (programCount == 0) throw new BadInputException("not an executable: no program headers");
        if (programSize != SizeOfProgramHeader) throw new BadInputException($"damaged ELF file: program headers of {programSize} bytes");
        return new(type == SharedObject, entry, programs, ReadPrograms(file, programs, programCount),
            sections == 0 || sectionSize != SizeOfSectionHeader ? [] : ReadSections(file, sections, sectionCount, names));
    }

    static void CheckIdent(ReadOnlySpan<byte> file)
    {
        if (file.Length == 0) throw new BadInputException("empty file");
        ReadOnlySpan<byte> magic = [0x7f, (byte)'E', (byte)'L', (byte)'F'];
        if (!magic.StartsWith(file[..Math.Min(4, file.Length)]))
            throw new BadInputException("not an ELF file");
        if (file.Length < 16) throw new BadInputException($"truncated ELF file: {file.Length} bytes");
        if (file[4] == 1) throw new BadInputException("32-bit ELF file: only 64-bit x86-64 programs are supported");
        if (file[4] != 2) throw new BadInputException($"damaged ELF file: class {file[4]}");
        if (file[5] == 2) throw new BadInputException("big-endian ELF file: only little-endian x86-64 programs are supported");
        if (file[5] != 1) throw new BadInputException($"damaged ELF file: data encoding {file[5]}");
    }

    static List<ProgramHeader> ReadPrograms(ReadOnlySpan<byte> file, ulong offset, int count)
    {
        if (offset > (ulong)file.Length || (ulong)(count * SizeOfProgramHeader) > (ulong)file.Length - offset)
            throw new BadInputException("truncated ELF file: program headers are past its end");
        var at = new Cursor(file) { Position = (int)offset };
        var headers = new List<ProgramHeader>(count);
        for (var i = 0; i < count; i++)
        {
            var (type, flags, start, address) = (at.U32(), at.U32(), at.U64(), at.U64());
            at.U64();
            var (fileSize, memorySize) = (at.U64(), at.U64());
            at.U64();
            headers.Add(new(type, flags, start, address, fileSize, memorySize));
        }
        return headers;
    }

    static List<Section> ReadSections(ReadOnlySpan<byte> file, ulong offset, ushort count, ushort names)
    {
        if (offset > (ulong)file.Length || (ulong)(count * SizeOfSectionHeader) > (ulong)file.Length - offset) return []; // the kernel does not look
        var at = new Cursor(file) { Position = (int)offset };
        var sections = new List<(uint Name, Section Section)>(count);
        for (var i = 0; i < count; i++)
        {
            var (name, type, flags, address, start, size, link) = (at.U32(), at.U32(), at.U64(), at.U64(), at.U64(), at.U64(), at.U32());
            at.U32();
            at.U64();
            sections.Add((name, new("", type, flags, address, start, size, link, at.U64())));
        }
        var text = names < count ? Slice(file, sections[names].Section) : default;
        var result = new List<Section>(count);
        foreach (var (name, section) in sections) result.Add(section with { Name = NameAt(text, name) });
        return result;
    }

    /// <summary>The section's bytes in the file; empty when it has none or they are not all there.</summary>
    public static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> file, Section section) =>
        section.Type == Section.NoBits || section.Offset > (ulong)file.Length || section.Size > (ulong)file.Length - section.Offset
            ? default
            : file.Slice((int)section.Offset, (int)section.Size);

    static string NameAt(ReadOnlySpan<byte> names, uint offset)
    {
        if (offset >= names.Length) return "";
        var rest = names[(int)offset..];
        var end = rest.IndexOf((byte)0);
        return end < 0 ? "" : System.Text.Encoding.UTF8.GetString(rest[..end]);
    }

    static string TypeName(ushort type) => type switch
    {
        1 => "a relocatable object",
        4 => "a core dump",
        _ => $"ELF type {type}",
    };

    static string MachineName(ushort machine) => machine switch
    {
        3 => "i386",
        8 => "MIPS",
        20 => "PowerPC",
        21 => "PowerPC64",
        22 => "s390",
        40 => "ARM",
        43 => "SPARC",
        183 => "AArch64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => $"ELF machine {machine}",
    };
}
