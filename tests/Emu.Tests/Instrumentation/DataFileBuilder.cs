using System.Buffers.Binary;
using System.Text;
using Emu.Instrumentation;

namespace Emu.Tests.Instrumentation;

/// <summary>Writes data files by hand, in the layout of runtime/core/data.h.</summary>
sealed class DataFileBuilder(Meta meta)
{
    public const int ChunkSize = 256;

    readonly List<(int Array, ulong Key, ulong Count)> cells = [];
    readonly List<byte[]> chunks = [];

    public DataFileBuilder Cell(int array, ulong key, ulong count)
    {
        cells.Add((array, key, count));
        return this;
    }

    /// <param name="used">0 for a chunk that was still open when the run was killed.</param>
    public DataFileBuilder Chunk(ulong stream, ulong thread, ulong sequence, ulong used, params byte[][] records)
    {
        var c = new byte[ChunkSize];
        "EMUCHUNK"u8.CopyTo(c);
        foreach (var (w, n) in new[] { stream, thread, sequence, used }.Select((w, n) => (w, n))) Put(c, 8 + 8 * n, w);
        records.SelectMany(r => r).ToArray().CopyTo(c, 64);
        chunks.Add(c);
        return this;
    }

    public byte[] Chunks() => [.. chunks.SelectMany(c => c)];

    public byte[] Build(ulong state = 1, ulong status = 0)
    {
        var json = meta.ToJson();
        int keys = (4096 + json.Length + 15) & ~15, counters = (keys + 16 * cells.Count + 4095) & ~4095, at = (counters + 8 * cells.Count + 4095) & ~4095;
        var file = new byte[at + ChunkSize * chunks.Count];
        Encoding.ASCII.GetBytes("EMUDATA\x01").CopyTo(file, 0);
        ulong[] header = [4096, (ulong)json.Length, (ulong)keys, (ulong)(16 * cells.Count), (ulong)counters, (ulong)(8 * cells.Count), (ulong)at, ChunkSize, state, status, 1, 2];
        for (int n = 0; n < header.Length; n++) Put(file, 8 + 8 * n, header[n]);
        json.CopyTo(file, 4096);
        for (int n = 0; n < cells.Count; n++)
        {
            Put(file, keys + 16 * n, cells[n].Key);
            Put(file, keys + 16 * n + 8, (ulong)cells[n].Array);
            Put(file, counters + 8 * n, cells[n].Count);
        }
        Chunks().CopyTo(file, at);
        return file;
    }

    static void Put(byte[] to, int at, ulong word) => BinaryPrimitives.WriteUInt64LittleEndian(to.AsSpan(at), word);
}
