namespace Emu.Translator.Elf;

/// <summary>Pointer encodings of exception handling tables (LSB core specification, "DWARF Extensions", DW_EH_PE_*).</summary>
internal static class EncodedPointer
{
    public const byte Omit = 0xff, Aligned = 0x50;

    /// <summary>Reads a pointer; a zero stays zero whatever it is relative to.</summary>
    public static ulong Read(ref Cursor at, byte encoding, Image image, ulong dataBase = 0)
    {
        if (encoding == Omit) return 0;
        if (encoding == Aligned)
        {
            at.Take((8 - at.Address % 8) % 8);
            return at.U64();
        }
        var place = at.Address;
        var value = ReadValue(ref at, encoding);
        if (value == 0) return 0;
        value += (encoding & 0x70) switch
        {
            0x10 => place,
            0x30 => dataBase,
            _ => 0,
        };
        if ((encoding & 0x80) == 0) return value;
        return image.TryReadU64(value, out var target) ? target : 0;
    }

    static ulong ReadValue(ref Cursor at, byte encoding) => (encoding & 0x0f) switch
    {
        0x00 or 0x04 or 0x0c => at.U64(),
        0x01 => at.Uleb(),
        0x02 => at.U16(),
        0x03 => at.U32(),
        0x09 => (ulong)at.Sleb(),
        0x0a => (ulong)(short)at.U16(),
        0x0b => (ulong)(int)at.U32(),
        _ => throw new BadInputException($"damaged ELF file: pointer encoding {encoding:x2}"),
    };
}
