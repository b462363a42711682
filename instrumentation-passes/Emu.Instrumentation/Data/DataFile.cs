using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Emu.Instrumentation;

/// <summary>How a run ended, as its data file says.</summary>
public enum RunState { Unfinished, Exited, Signalled }

/// <summary>One counter: its array's number, its key and its value.</summary>
public readonly record struct Cell(int Array, ulong Key, ulong Count);

/// <summary>
/// A runner's data file (format: runtime/core/data.h): header, meta, keys, counters, chunks of records. Complete at every moment,
/// so it may belong to a run that was killed or is still running.
/// </summary>
public sealed class DataFile : IDisposable
{
    const int HeaderSize = 4096, KeySize = 16;
    static readonly byte[] magic = [.. "EMUDATA\x01"u8];

    readonly SafeFileHandle file;
    readonly ulong[] header;
    readonly string path;

    DataFile(string path, SafeFileHandle file, ulong[] header, Meta meta) => (this.path, this.file, this.header, Meta) = (path, file, header, meta);

    public Meta Meta { get; }

    public RunState State => header[9] switch { 1 => RunState.Exited, 2 => RunState.Signalled, _ => RunState.Unfinished };

    /// <summary>Exit code or signal number.</summary>
    public int Status => (int)header[10];

    /// <summary>When the run began, in nanoseconds since 1970.</summary>
    public ulong Start => header[11];

    /// <summary>Opens a data file; <see cref="DataFileException"/> (one line, with the path) if it is none.</summary>
    public static DataFile Open(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[HeaderSize];
            if (!Fill(file, bytes, 0) || !bytes.AsSpan(0, 8).SequenceEqual(magic)) throw new DataFileException("this is not a data file of emu");
            var header = new ulong[13];
            for (int n = 0; n < header.Length; n++) header[n] = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8 * n));
            return new(path, file, header, Meta.FromJson(Section(file, header[1], header[2])));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DataFileException)
        {
            file?.Dispose();
            throw new DataFileException($"{path}: {(e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : e.Message)}");
        }
    }

    /// <summary>Every counter; a key may come more than once (a block in two regions, forked children): its counts are to be added.</summary>
    public IEnumerable<Cell> Cells()
    {
        byte[] keys = Section(file, header[3], header[4]);
        foreach (var set in Chunks.Marked(file, (long)header[7], (long)header[8], "EMUCOUNT"u8.ToArray()).Select(c => (ulong)c.Offset + HeaderSize).Prepend(header[5]))
        {
            byte[] counts = Section(file, set, header[6]);
            for (int n = 0; n < Math.Min(keys.Length / KeySize, counts.Length / 8); n++)
            {
                var count = BinaryPrimitives.ReadUInt64LittleEndian(counts.AsSpan(8 * n));
                var key = keys.AsSpan(KeySize * n);
                yield return new(BinaryPrimitives.ReadInt32LittleEndian(key[8..]), BinaryPrimitives.ReadUInt64LittleEndian(key), count);
            }
        }
        foreach (var chunk in Chunks.Marked(file, (long)header[7], (long)header[8], "EMUCELLS"u8.ToArray()))
            foreach (var cell in CellsOf(chunk)) yield return cell;
    }

    /// <summary>Cells of code that was translated at run time: keys of a whole chunk, then counters.</summary>
    IEnumerable<Cell> CellsOf((long Offset, ulong Used) chunk)
    {
        int most = (int)(((long)header[8] - Chunks.HeaderSize) / (KeySize + 8)), used = (int)Math.Min(chunk.Used, (ulong)most);
        byte[] keys = Section(file, (ulong)chunk.Offset + Chunks.HeaderSize, (ulong)used * KeySize);
        byte[] counts = Section(file, (ulong)chunk.Offset + Chunks.HeaderSize + (ulong)most * KeySize, (ulong)used * 8);
        for (int n = 0; n < used; n++)
            yield return new(BinaryPrimitives.ReadInt32LittleEndian(keys.AsSpan(KeySize * n + 8)), BinaryPrimitives.ReadUInt64LittleEndian(keys.AsSpan(KeySize * n)),
                BinaryPrimitives.ReadUInt64LittleEndian(counts.AsSpan(8 * n)));
    }

    /// <summary>Names of keys that came up at run time: array, key, text.</summary>
    internal IEnumerable<(int Array, ulong Key, string Text)> Names()
    {
        const int head = 16;
        foreach (var (offset, used) in Chunks.Marked(file, (long)header[7], (long)header[8], "EMUNAMES"u8.ToArray()))
        {
            byte[] bytes = Section(file, (ulong)offset + Chunks.HeaderSize, used);
            for (int at = 0; at + head <= bytes.Length;)
            {
                int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4));
                if (length < 0 || length > bytes.Length - at - head) yield break;
                yield return (BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at)), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at + 8)), System.Text.Encoding.UTF8.GetString(bytes, at + head, length));
                at += head + length;
            }
        }
    }

    /// <summary>The records of a stream, thread by thread, a chunk's at a time. The memory is only valid until the next is taken.</summary>
    public IEnumerable<(ulong Thread, ReadOnlyMemory<byte> Records)> Records(StreamInfo stream)
    {
        if (stream.Path is null) return Chunks.Read(file, (long)header[7], (long)header[8], stream);
        return OwnFile(stream.Path) is { } own ? Chunks.ReadFile(own, (long)header[8], stream) : [];
    }

    /// <summary>A stream's own file: the run named it from its working directory, which is ours or the data file's folder. Pipes and devices hold nothing to read.</summary>
    string? OwnFile(string name) =>
        new[] { Path.GetFullPath(name), Path.GetFullPath(name, Path.GetDirectoryName(Path.GetFullPath(path))!) }.FirstOrDefault(p => new FileInfo(p) is { Exists: true, Length: > 0 });

    public void Dispose() => file.Dispose();

    static byte[] Section(SafeFileHandle file, ulong offset, ulong size)
    {
        if (size > int.MaxValue || offset > long.MaxValue) throw new DataFileException("its header is damaged");
        var bytes = new byte[size];
        return Fill(file, bytes, (long)offset) ? bytes : throw new DataFileException("it is cut off");
    }

    internal static bool Fill(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        for (int done = 0; done < bytes.Length;)
        {
            int n = RandomAccess.Read(file, bytes[done..], offset + done);
            if (n == 0) return false;
            done += n;
        }
        return true;
    }
}

/// <summary>A file that is no data file, or a damaged one; the message is one line for the user.</summary>
public sealed class DataFileException(string message) : Exception(message);
