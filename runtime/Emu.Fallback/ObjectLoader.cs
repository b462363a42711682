using System.Buffers.Binary;
using System.Text;

namespace Emu.Fallback;

/// <summary>
/// Puts an object file of LLVM's into the code cache: sections laid out one after another, relocations applied (ELF gABI 4; x86-64
/// psABI 4.4.1). Only what `Codegen` emits for regions is known.
/// </summary>
sealed class ObjectLoader
{
    const ulong Allocated = 2, Bss = 8, Relocations = 4, Symbols = 2;

    sealed record Section(string Name, ulong Type, ulong Flags, int Offset, int Size, int Link, int Info, int Alignment);

    readonly byte[] file;
    readonly CodeCache cache;
    readonly Func<string, ulong> symbol;
    readonly Section[] sections;
    readonly ulong[] placed;

    /// <param name="symbol">The address of what the object does not define.</param>
    public ObjectLoader(byte[] file, CodeCache cache, Func<string, ulong> symbol)
    {
        (this.file, this.cache, this.symbol) = (file, cache, symbol);
        sections = ReadSections();
        placed = new ulong[sections.Length];
    }

    /// <summary>Bytes of counters that the object has.</summary>
    public int CellBytes => Find("emu_counters")?.Size ?? 0;

    /// <summary>Address and size of a section after <see cref="Load"/>.</summary>
    public (ulong Address, ulong Size) At(string name) => Array.FindIndex(sections, s => s.Name == name) is >= 0 and var n ? (placed[n], (ulong)sections[n].Size) : default;

    /// <summary>Copies and relocates; counters are at <paramref name="cells"/>.</summary>
    public void Load(ulong cells)
    {
        for (int n = 0; n < sections.Length; n++)
        {
            var s = sections[n];
            if (s.Name == "emu_counters") placed[n] = cells;
            if (!IsLoaded(s)) continue;
            placed[n] = cache.Take(s.Size, Math.Max(s.Alignment, 16));
            if (s.Type != Bss) file.AsSpan(s.Offset, s.Size).CopyTo(cache.At(placed[n], s.Size));
        }
        for (int n = 0; n < sections.Length; n++)
            if (sections[n].Type == Relocations && IsLoaded(sections[sections[n].Info])) Relocate(sections[n], sections[n].Info);
    }

    /// <summary>The address of one of the object's own symbols.</summary>
    public ulong Defined(string name)
    {
        var table = sections.First(s => s.Type == Symbols);
        for (int n = 0; n < table.Size / 24; n++)
            if (U16(table.Offset + 24 * n + 6) is not 0 and < 0xff00 && Name(table, n) == name) return Address(table, n);
        throw new TranslationException($"the object does not define {name}");
    }

    /// <summary>Unwind tables are of no use here; of debug information the lines are.</summary>
    static bool IsLoaded(Section s) => s.Size > 0 && (s.Name is ".debug_line" or ".debug_line_str" || (s.Flags & Allocated) != 0 && s.Name is not (".eh_frame" or "emu_counters"));

    void Relocate(Section relocations, int target)
    {
        var symbols = sections[relocations.Link];
        for (int n = 0; n < relocations.Size / 24; n++)
        {
            int at = relocations.Offset + 24 * n, offset = (int)U64(at);
            ulong place = placed[target] + (ulong)offset, addend = U64(at + 16);
            uint type = U32(at + 8);
            // The lines' names are in .debug_line_str: their addresses are there instead of offsets (runtime/core/locate.c).
            ulong value = Address(symbols, (int)U32(at + 12)) + addend;
            var to = cache.At(place, 8);
            switch (type)
            {
                case 1: BinaryPrimitives.WriteUInt64LittleEndian(to, value); break;                              // R_X86_64_64
                case 2 or 4: Write32(to, (long)(value - place), isSigned: true); break;                           // PC32, PLT32
                case 10: Write32(to, (long)value, isSigned: false); break;                                        // 32
                case 11 or 23: Write32(to, (long)value, isSigned: true); break;                                   // 32S, TPOFF32
                case 24: BinaryPrimitives.WriteUInt64LittleEndian(to, value - place); break;                      // PC64
                default: throw new TranslationException($"the object has a relocation of type {type}");
            }
        }
    }

    static void Write32(Span<byte> to, long value, bool isSigned)
    {
        if (isSigned ? value != (int)value : value != (uint)value) throw new TranslationException($"an address does not fit 32 bits: 0x{value:x}");
        BinaryPrimitives.WriteUInt32LittleEndian(to, (uint)value);
    }

    ulong Address(Section symbols, int n)
    {
        const ulong absolute = 0xfff1;
        int at = symbols.Offset + 24 * n;
        ulong section = U16(at + 6);
        return section == 0 ? symbol(Name(symbols, n)) : section == absolute ? U64(at + 8) : placed[(int)section] + U64(at + 8);
    }

    string Name(Section symbols, int n) => Text(sections[symbols.Link].Offset + (int)U32(symbols.Offset + 24 * n));

    Section? Find(string name) => Array.Find(sections, s => s.Name == name);

    Section[] ReadSections()
    {
        int table = (int)U64(40), count = (int)U16(60), names = (int)U64(table + 64 * (int)U16(62) + 24);
        return [.. Enumerable.Range(0, count).Select(n => table + 64 * n).Select(at => new Section(
            Text(names + (int)U32(at)), U32(at + 4), U64(at + 8), (int)U64(at + 24), (int)U64(at + 32), (int)U32(at + 40), (int)U32(at + 44), (int)U64(at + 48)))];
    }

    string Text(int at)
    {
        var rest = file.AsSpan(at);
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)0)]);
    }

    ulong U64(int at) => BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
    uint U32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at));
    ulong U16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at));
}
