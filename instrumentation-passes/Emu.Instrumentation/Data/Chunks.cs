using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Emu.Instrumentation;

/// <summary>The chunks that streams are written in (format: runtime/core/data.h), put in order.</summary>
static class Chunks
{
    public const int HeaderSize = 64;

    sealed record Chunk(long Offset, ulong Thread, ulong Sequence, ulong Used);

    /// <summary>The records of a stream that has a file of its own.</summary>
    public static IEnumerable<(ulong Thread, ReadOnlyMemory<byte> Records)> ReadFile(string path, long chunkSize, StreamInfo stream)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        foreach (var records in Read(file, 0, chunkSize, stream)) yield return records;
    }

    /// <summary>A stream's records, whole ones only, one chunk at a time: threads by their first chunk, each one's chunks in sequence.</summary>
    public static IEnumerable<(ulong Thread, ReadOnlyMemory<byte> Records)> Read(SafeFileHandle file, long from, long chunkSize, StreamInfo stream)
    {
        if (chunkSize is < HeaderSize or > 1 << 30) throw new DataFileException("its header is damaged");
        var buffer = new byte[chunkSize - HeaderSize];
        foreach (var chunk in InOrder(file, from, chunkSize, stream.Id))
        {
            int size = ReadSome(file, buffer, chunk.Offset + HeaderSize);
            size = chunk.Used != 0 ? (int)Math.Min((ulong)size, chunk.Used) : End(buffer.AsSpan(0, size), stream.Size);
            yield return (chunk.Thread, buffer.AsMemory(0, size / stream.Size * stream.Size));
        }
    }

    /// <summary>Chunks of another kind: where they are, and how much of them is used.</summary>
    public static IEnumerable<(long Offset, ulong Used)> Marked(SafeFileHandle file, long from, long chunkSize, byte[] magic)
    {
        var head = new byte[HeaderSize];
        for (long offset = from; chunkSize > HeaderSize && DataFile.Fill(file, head, offset); offset += chunkSize)
            if (head.AsSpan(0, 8).SequenceEqual(magic)) yield return (offset, Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(32)), (ulong)(chunkSize - HeaderSize)));
    }

    static IEnumerable<Chunk> InOrder(SafeFileHandle file, long from, long chunkSize, int stream)
    {
        var chunks = new List<Chunk>();
        var head = new byte[HeaderSize];
        for (long offset = from; DataFile.Fill(file, head, offset); offset += chunkSize)
        {
            ulong Word(int n) => BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(8 * n));
            if (head.AsSpan(0, 8).SequenceEqual("EMUCHUNK"u8) && Word(1) == (ulong)stream) chunks.Add(new(offset, Word(2), Word(3), Word(4)));
        }
        return chunks.OrderBy(c => c.Sequence).GroupBy(c => c.Thread).SelectMany(thread => thread);
    }

    /// <summary>Where the records of an open chunk end: at one that starts with 8 zero bytes.</summary>
    static int End(ReadOnlySpan<byte> records, int size)
    {
        int at = 0;
        while (at + size <= records.Length && BinaryPrimitives.ReadUInt64LittleEndian(records[at..]) != 0) at += size;
        return at;
    }

    static int ReadSome(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        int done = 0, n;
        while (done < bytes.Length && (n = RandomAccess.Read(file, bytes[done..], offset + done)) > 0) done += n;
        return done;
    }
}
