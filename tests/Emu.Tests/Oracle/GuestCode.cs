using System.Buffers.Binary;
using Iced.Intel;

namespace Emu.Tests.Oracle;

/// <summary>The bytes of a static executable's loaded segments, decoded at any address (ELF64 gABI, program headers).</summary>
public sealed class GuestCode
{
    readonly List<(ulong Start, byte[] Bytes)> segments = [];
    readonly Dictionary<ulong, Instruction> decoded = [];

    public GuestCode(string path)
    {
        var file = File.ReadAllBytes(path);
        var table = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(32));
        int size = file[54], count = file[56];
        for (var i = 0; i < count; i++)
        {
            var header = file.AsSpan(table + i * size);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != 1)
                continue;
            ulong Word(ReadOnlySpan<byte> from, int at) => BinaryPrimitives.ReadUInt64LittleEndian(from[at..]);
            segments.Add((Word(header, 16), file.AsSpan((int)Word(header, 8), (int)Word(header, 32)).ToArray()));
        }
    }

    /// <summary>The instruction at an address; the same one every time (tiny guests do not change their code).</summary>
    public Instruction At(ulong address)
    {
        if (decoded.TryGetValue(address, out var known))
            return known;
        var (start, bytes) = segments.FirstOrDefault(s => address >= s.Start && address - s.Start < (ulong)s.Bytes.Length);
        if (bytes is null)
            throw new InvalidDataException($"no code at {address:x}");
        var reader = new ByteArrayCodeReader(bytes, (int)(address - start), (int)Math.Min(15, (ulong)bytes.Length - (address - start)));
        return decoded[address] = Decoder.Create(64, reader, address).Decode();
    }
}
