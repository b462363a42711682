using System.Buffers.Binary;

namespace Emu.Translator.Elf;

/// <summary>Tables of an <see cref="Image"/> that are found through the dynamic section or through section headers.</summary>
public sealed partial class Image
{
    const uint BuildIdNote = 3;

    /// <summary>The GNU build-id in hexadecimal, null when the program has none.</summary>
    public string? BuildId => headers.Programs.Where(p => p.Type == ProgramHeader.Note)
        .Select(p => TryRead(p.Address + Base, p.FileSize, out var bytes) ? FindBuildId(bytes) : null).FirstOrDefault(id => id is not null);

    /// <summary>The dynamic linker that the program asks for (PT_INTERP), null when it is linked statically or a library.</summary>
    public string? Interpreter => Program(ProgramHeader.Interp) is { } p && p.Offset <= (ulong)File.Length && p.FileSize <= (ulong)File.Length - p.Offset
        ? new Cursor(File.Span.Slice((int)p.Offset, (int)p.FileSize)).Text() : null;

    /// <summary>Names of the libraries that it needs (DT_NEEDED), in order.</summary>
    public IReadOnlyList<string> Needed => dynamic is null ? [] : [.. dynamic.AllNeeded.Select(n => DynamicText(n)).OfType<string>()];

    /// <summary>The name that others need it by (DT_SONAME).</summary>
    public string? SoName => DynamicText(dynamic?[Dynamic.SoName]);

    /// <summary>Where it looks for libraries (DT_RUNPATH, or DT_RPATH without one, then also for those that its libraries need).</summary>
    public (string? Path, bool IsInherited) RunPath =>
        DynamicText(dynamic?[Dynamic.RunPath]) is { } path ? (path, false) : (DynamicText(dynamic?[Dynamic.RPath]), true);

    /// <summary>Names of the dynamic symbols that others define.</summary>
    public IEnumerable<string> Imports => SymbolTable.Undefined(DynamicSymbols(), dynamic?[Dynamic.StrTab] is { } strings ? Table(strings, dynamic[Dynamic.StrSize]) : default);

    /// <summary>The functions that others may find by name.</summary>
    public IEnumerable<Symbol> Exports => dynamic?[Dynamic.StrTab] is { } strings
        ? SymbolTable.Parse(DynamicSymbols(), Table(strings, dynamic[Dynamic.StrSize]), Base).Where(s => s is { IsFunction: true, IsLocal: false }) : [];

    /// <summary>Where the dynamic linker puts addresses of functions, and their names; of an IRELATIVE one the resolver's.</summary>
    public IReadOnlyDictionary<ulong, string> Slots()
    {
        var found = new Dictionary<ulong, string>();
        var symbols = DynamicSymbols();
        foreach (var r in Relocations)
        {
            bool isNamed = r.Type is RelocationType.JumpSlot or RelocationType.GlobDat && ((ulong)r.Symbol + 1) * 24 <= (ulong)symbols.Length;
            string? name = isNamed ? DynamicText(new Cursor(symbols.Span) { Position = (int)r.Symbol * 24 }.U32())
                : r.Type is RelocationType.Irelative ? Symbols.Find(r.Value)?.Name : null;
            if (name is { Length: > 0 }) found.TryAdd(r.Address, name);
        }
        return found;
    }

    /// <summary>Strings in constant data.</summary>
    public IEnumerable<string> Texts()
    {
        const int shortest = 4;
        foreach (var bytes in Segments.Where(s => s is { IsWritable: false, IsExecutable: false }).Select(s => s.Bytes))
            for (int start = 0, end; start < bytes.Length; start = end + 1)
            {
                int length = bytes.Span[start..].IndexOf((byte)0);
                end = length < 0 ? bytes.Length : start + length;
                if (end - start >= shortest && !bytes.Span[start..end].ContainsAnyExceptInRange((byte)' ', (byte)'~')) yield return System.Text.Encoding.ASCII.GetString(bytes.Span[start..end]);
            }
    }

    string? DynamicText(ulong? offset)
    {
        if (offset is not { } at || dynamic?[Dynamic.StrTab] is not { } start || Table(start, dynamic[Dynamic.StrSize]) is var text && at >= (ulong)text.Length) return null;
        var rest = text.Span[(int)at..];
        return rest.IndexOf((byte)0) is >= 0 and var end ? System.Text.Encoding.UTF8.GetString(rest[..end]) : null;
    }

    /// <summary>Functions the start-up code calls: DT_INIT, the init arrays, and those of the end.</summary>
    public IEnumerable<ulong> InitializersAndFinalizers()
    {
        var found = new List<ulong>();
        foreach (var tag in (ulong[])[Dynamic.Init, Dynamic.Fini])
            if (dynamic?[tag] is { } function)
                found.Add(function + Base);
        (ulong Array, ulong Size)[] arrays = [(Dynamic.PreinitArray, Dynamic.PreinitArraySize), (Dynamic.InitArray, Dynamic.InitArraySize), (Dynamic.FiniArray, Dynamic.FiniArraySize)];
        foreach (var (array, size) in arrays)
            if (dynamic?[array] is { } start && dynamic[size] is { } length)
                AddWords(start + Base, length, found);
        foreach (var section in Sections)
        {
            if (section.Type is Section.InitArray or Section.FiniArray or Section.PreinitArray) AddWords(section.Address, section.Size, found);
            if (section is { Name: ".init" or ".fini", IsCode: true }) found.Add(section.Address);
        }
        return found.Where(IsExecutable).Distinct().Order();
    }

    void AddWords(ulong start, ulong length, List<ulong> found)
    {
        for (ulong offset = 0; offset < length && TryReadU64(start + offset, out var word); offset += 8) found.Add(word);
    }

    /// <summary>Where a call through the PLT goes until ld.so has bound it: the words of the GOT as they are in the file (psABI, "Procedure Linkage Table").</summary>
    public IEnumerable<ulong> LazyBindings()
    {
        foreach (var relocation in Relocations.Where(r => r.Type == RelocationType.JumpSlot))
        {
            if (SegmentAt(relocation.Address) is not { } segment || relocation.Address - segment.Address + segment.FileOffset is var at && at + 8 > (ulong)File.Length) continue;
            ulong target = BinaryPrimitives.ReadUInt64LittleEndian(File.Span[(int)at..]) + Base;
            if (IsExecutable(target)) yield return target;
        }
    }

    static string? FindBuildId(ReadOnlySpan<byte> notes)
    {
        try
        {
            for (var at = new Cursor(notes); !at.AtEnd;)
            {
                var (nameSize, size, type) = (at.U32(), at.U32(), at.U32());
                var name = at.Take((nameSize + 3UL) & ~3UL);
                var content = at.Take(size);
                at.Take(Math.Min((4 - size % 4UL) % 4, (ulong)(at.Length - at.Position)));
                if (type == BuildIdNote && name.SequenceEqual("GNU\0"u8)) return Convert.ToHexStringLower(content);
            }
        }
        catch (BadInputException)
        {
            return null;
        }
        return null;
    }

    List<Relocation> ReadRelocations()
    {
        var found = new List<Relocation>();
        var entries = DynamicSymbols();
        if (dynamic?[Dynamic.Rela] is { } rela) found.AddRange(Elf.Relocations.ReadRela(Table(rela, dynamic[Dynamic.RelaSize]), entries, Base));
        if (dynamic?[Dynamic.JmpRel] is { } plt) found.AddRange(Elf.Relocations.ReadRela(Table(plt, dynamic[Dynamic.PltRelSize]), entries, Base));
        if (dynamic?[Dynamic.Relr] is { } relr)
            foreach (var address in Elf.Relocations.ReadRelr(Table(relr, dynamic[Dynamic.RelrSize]), Base))
                if (TryReadU64(address, out var addend))
                    found.Add(new(address, RelocationType.Relative, 0, addend + Base));
        if (dynamic is null)
            foreach (var section in Sections.Where(s => s is { Type: Section.Rela, IsAllocated: true }))
                found.AddRange(Elf.Relocations.ReadRela(Table(section.Address - Base, section.Size), entries, Base));
        return found;
    }

    ReadOnlyMemory<byte> Table(ulong fileAddress, ulong? size)
    {
        var address = fileAddress + Base;
        if (SegmentAt(address) is not { } segment) return default;
        var offset = address - segment.Address;
        if (offset >= (ulong)segment.Bytes.Length) return default;
        return segment.Bytes.Slice((int)offset, (int)Math.Min(size ?? 0, (ulong)segment.Bytes.Length - offset));
    }

    /// <summary>DT_SYMTAB has no size; linkers put the strings right after it.</summary>
    ReadOnlyMemory<byte> DynamicSymbols() =>
        dynamic?[Dynamic.SymTab] is { } start && dynamic[Dynamic.StrTab] is { } strings && strings > start ? Table(start, strings - start) : default;

    void ApplyRelocations()
    {
        var copies = new Dictionary<Segment, byte[]>(ReferenceEqualityComparer.Instance);
        foreach (var relocation in Relocations)
        {
            var isKnown = relocation.Type is RelocationType.Relative or RelocationType.Absolute64 or RelocationType.GlobDat or RelocationType.JumpSlot;
            if (!isKnown || relocation.Value == 0 || SegmentAt(relocation.Address) is not { } segment) continue;
            var offset = relocation.Address - segment.Address;
            if (offset + 8 > (ulong)segment.Bytes.Length || offset + 8 < offset) continue;
            if (!copies.TryGetValue(segment, out var bytes)) segment.Bytes = copies[segment] = bytes = segment.Bytes.ToArray();
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((int)offset), relocation.Value);
        }
    }

    /// <summary>What the dynamic linker looks up for a place (of the PLT, say), null when it is nothing by a name.</summary>
    public string? ImportAt(ulong address) => imports.Value.GetValueOrDefault(address);

    Dictionary<ulong, string> ReadImports()
    {
        var found = new Dictionary<ulong, string>();
        if (dynamic?[Dynamic.StrTab] is not { } at) return found;
        var (entries, names) = (DynamicSymbols(), Table(at, dynamic[Dynamic.StrSize]));
        foreach (var r in Relocations.Where(r => r.Type is RelocationType.JumpSlot or RelocationType.GlobDat))
            if (SymbolTable.NameOf(entries, names, r.Symbol) is { } name) found[r.Address] = name;
        return found;
    }

    IEnumerable<Symbol> ReadSymbols()
    {
        var found = new List<Symbol>();
        foreach (var section in Sections.Where(s => s.Type is Section.SymbolTable or Section.DynamicSymbols && s.Link < Sections.Count))
            found.AddRange(SymbolTable.Parse(FileBytes(section), FileBytes(Sections[(int)section.Link]), Base));
        if (Sections.Count == 0 && dynamic?[Dynamic.StrTab] is { } strings)
            found.AddRange(SymbolTable.Parse(DynamicSymbols(), Table(strings, dynamic[Dynamic.StrSize]), Base));
        return found.Distinct();
    }

    ReadOnlyMemory<byte> FileBytes(Section section)
    {
        var size = ElfHeaders.Slice(File.Span, section).Length;
        return size == 0 ? default : File.Slice((int)section.Offset, size);
    }
}
