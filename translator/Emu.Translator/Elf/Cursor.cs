using System.Buffers.Binary;

namespace Emu.Translator.Elf;

/// <summary>Reads little-endian numbers from bytes; past the end it throws <see cref="BadInputException"/>.</summary>
/// <param name="data">The bytes.</param>
/// <param name="address">Run-time address of the first byte (0 when the bytes are a file).</param>
internal ref struct Cursor(ReadOnlySpan<byte> data, ulong address = 0)
{
    readonly ReadOnlySpan<byte> data = data;

    public int Position { get; set; }

    public readonly ulong Address => address + (ulong)Position;

    public readonly bool AtEnd => Position >= data.Length;

    public readonly int Length => data.Length;

    public ReadOnlySpan<byte> Take(ulong count)
    {
        if (Position < 0 || Position > data.Length || count > (ulong)(data.Length - Position))
            throw new BadInputException("truncated ELF file");
        var bytes = data.Slice(Position, (int)count);
        Position += (int)count;
        return bytes;
    }

    public byte U8() => Take(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public long I32() => (int)U32();

    public ulong Uleb()
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var b = U8();
            if (shift < 64) value |= (ulong)(b & 0x7f) << shift;
            if ((b & 0x80) == 0) return value;
        }
    }

    public long Sleb()
    {
        long value = 0;
        for (var shift = 0; ;)
        {
            var b = U8();
            if (shift < 64) value |= (long)(b & 0x7f) << shift;
            shift += 7;
            if ((b & 0x80) != 0) continue;
            return shift < 64 && (b & 0x40) != 0 ? value | (-1L << shift) : value;
        }
    }

    /// <summary>A zero-terminated string; bytes that are not UTF-8 become U+FFFD.</summary>
    public string Text()
    {
        var rest = data[Math.Clamp(Position, 0, data.Length)..];
        var end = rest.IndexOf((byte)0);
        if (end < 0) throw new BadInputException("truncated ELF file");
        Position += end + 1;
        return System.Text.Encoding.UTF8.GetString(rest[..end]);
    }
}
