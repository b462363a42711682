namespace Emu.Translator.Elf;

/// <summary>Relocation types of the AMD64 ABI (table 4.10) that linked programs contain.</summary>
public enum RelocationType
{
    /// <summary>R_X86_64_64: symbol + addend.</summary>
    Absolute64 = 1,
    /// <summary>R_X86_64_COPY.</summary>
    Copy = 5,
    /// <summary>R_X86_64_GLOB_DAT: symbol.</summary>
    GlobDat = 6,
    /// <summary>R_X86_64_JUMP_SLOT: symbol.</summary>
    JumpSlot = 7,
    /// <summary>R_X86_64_RELATIVE, also every RELR entry: base + addend.</summary>
    Relative = 8,
    /// <summary>R_X86_64_DTPMOD64.</summary>
    DtpMod64 = 16,
    /// <summary>R_X86_64_DTPOFF64.</summary>
    DtpOff64 = 17,
    /// <summary>R_X86_64_TPOFF64.</summary>
    TpOff64 = 18,
    /// <summary>R_X86_64_TLSDESC.</summary>
    TlsDescriptor = 36,
    /// <summary>R_X86_64_IRELATIVE: what the resolver at base + addend returns.</summary>
    Irelative = 37,
}

/// <summary>A run-time relocation: the place it changes and the value it puts there (for IRELATIVE, the resolver's address; 0 when unknown).</summary>
public readonly record struct Relocation(ulong Address, RelocationType Type, uint Symbol, ulong Value);

/// <summary>Finds relocations through the dynamic section, or through section headers in static non-PIE programs.</summary>
internal static class Relocations
{
    public static IEnumerable<Relocation> ReadRela(ReadOnlyMemory<byte> table, ReadOnlyMemory<byte> symbols, ulong loadBase)
    {
        for (var offset = 0; offset + 24 <= table.Length; offset += 24)
            yield return One(table.Span.Slice(offset, 24), symbols.Span, loadBase);
    }

    static Relocation One(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> symbols, ulong loadBase)
    {
        var at = new Cursor(entry);
        var (address, info, addend) = (at.U64() + loadBase, at.U64(), at.U64());
        var (type, symbol) = ((RelocationType)(uint)info, (uint)(info >> 32));
        var value = type switch
        {
            RelocationType.Relative or RelocationType.Irelative => loadBase + addend,
            RelocationType.Absolute64 => SymbolValue(symbols, symbol, loadBase) is > 0 and var s ? s + addend : 0,
            RelocationType.GlobDat or RelocationType.JumpSlot => SymbolValue(symbols, symbol, loadBase),
            _ => 0UL,
        };
        return new(address, type, symbol, value);
    }

    static ulong SymbolValue(ReadOnlySpan<byte> symbols, uint index, ulong loadBase)
    {
        if (index == 0 || ((ulong)index + 1) * 24 > (ulong)symbols.Length) return 0;
        var at = new Cursor(symbols) { Position = (int)index * 24 + 6 };
        var section = at.U16();
        return section is 0 or 0xfff1 ? 0 : at.U64() + loadBase;
    }

    /// <summary>The addresses of a RELR table (gABI, "SHT_RELR"): an even word is an address, an odd one a bitmap of the 63 words that follow.</summary>
    public static IEnumerable<ulong> ReadRelr(ReadOnlyMemory<byte> table, ulong loadBase)
    {
        ulong next = 0;
        for (var offset = 0; offset + 8 <= table.Length; offset += 8)
        {
            var word = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(table.Span[offset..]);
            if ((word & 1) == 0)
            {
                yield return word + loadBase;
                next = word + 8;
                continue;
            }
            for (var bit = 0; bit < 63; bit++)
                if ((word >> (bit + 1) & 1) != 0)
                    yield return next + (ulong)bit * 8 + loadBase;
            next += 63 * 8;
        }
    }
}
