using System.Collections;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Emu.Instrumentation;

/// <summary>The guest's symbols, as a report needs them.</summary>
public interface ISymbols
{
    /// <summary>The symbol that covers a guest address; null: none.</summary>
    GuestSymbol? At(ulong address);

    /// <summary>What a name of C++ or Rust stands for; any other one as it is.</summary>
    string Demangle(string name) => name;
}

/// <summary>What a run collected, seen by one pass: <c>data[counters]</c> and <c>data.Records(stream)</c>.</summary>
public sealed class Collected
{
    readonly DataFile file;
    readonly ISymbols? symbols;
    readonly Dictionary<string, ArrayInfo> arrays;
    readonly Dictionary<int, Dictionary<ulong, ulong>> counts = [];
    readonly Dictionary<(int Array, ulong Key), string> names = [];

    public Collected(DataFile file, ISymbols? symbols)
    {
        (this.file, this.symbols) = (file, symbols);
        arrays = file.Meta.Arrays.ToDictionary(a => a.Name);
        foreach (var (array, key, text) in file.Names()) names[(array, key)] = text;
        foreach (var cell in file.Cells())
            CollectionsMarshal.GetValueRefOrAddDefault(CollectionsMarshal.GetValueRefOrAddDefault(counts, cell.Array, out _) ??= [], cell.Key, out _) += cell.Count;
    }

    /// <summary>The run: how it ended, and which program it was.</summary>
    public DataFile Run => file;

    /// <summary>The counters of an array that are not 0, by key.</summary>
    public Counts this[Counters counters] =>
        new(arrays.TryGetValue(counters.FullName, out var a) && counts.TryGetValue(a.Id, out var found) ? found : []);

    /// <summary>The records of a stream: threads one after another, each one's in order. Read while you enumerate.</summary>
    public IEnumerable<T> Records<T>(Stream<T> stream) where T : unmanaged => RecordsOfThreads(stream).Select(r => r.Record);

    /// <summary>The same, each with the thread that it is of (gettid).</summary>
    public IEnumerable<(ulong Thread, T Record)> RecordsOfThreads<T>(Stream<T> stream) where T : unmanaged
    {
        if (file.Meta.Streams.FirstOrDefault(s => s.Name == stream.FullName) is not { } info) yield break;
        if (info.Size != Unsafe.SizeOf<T>()) throw new DataFileException($"records of {info.Name} have {info.Size} bytes here and {Unsafe.SizeOf<T>()} in the plugin: it is another version");
        foreach (var (thread, records) in file.Records(info))
            for (int at = 0; at < records.Length; at += info.Size)
                yield return (thread, MemoryMarshal.Read<T>(records.Span[at..]));
    }

    /// <summary>What a pass called a key (<see cref="Counters.Label"/>); the number itself if nothing.</summary>
    public string Label(Counters counters, ulong key) =>
        arrays.TryGetValue(counters.FullName, out var a) && (a.Labels.TryGetValue(key, out var text) || names.TryGetValue((a.Id, key), out text)) ? text : $"0x{key:x}";

    /// <summary>The symbol that covers a guest address, by a name for people; where there is none, file and offset; null: it is of no file.</summary>
    public GuestSymbol? SymbolAt(ulong address) => symbols?.At(address);

    /// <summary>What a name of C++ or Rust stands for; any other one as it is.</summary>
    public string Demangle(string name) => symbols?.Demangle(name) ?? name;

    /// <summary>A guest address with its symbol: <c>0x401136 main+0x10</c>, <c>0x10001234 /bin/true+0x1234</c>.</summary>
    public string Symbolize(ulong address) => SymbolAt(address) is { } s ? $"0x{address:x} {s}" : $"0x{address:x}";
}

/// <summary>Counters by key, in the order of the keys.</summary>
public sealed class Counts : IReadOnlyCollection<KeyValuePair<ulong, ulong>>
{
    readonly KeyValuePair<ulong, ulong>[] all;

    internal Counts(IEnumerable<KeyValuePair<ulong, ulong>> counts) => all = [.. counts.Where(c => c.Value != 0).OrderBy(c => c.Key)];

    public int Count => all.Length;

    /// <summary>The sum of all.</summary>
    public ulong Total => all.Aggregate(0ul, (sum, c) => sum + c.Value);

    /// <summary>The count of a key; 0 if it has none.</summary>
    public ulong this[ulong key] => Array.Find(all, c => c.Key == key).Value;

    /// <summary>The <paramref name="n"/> largest, the largest first; equal ones by key.</summary>
    public IEnumerable<KeyValuePair<ulong, ulong>> Top(int n) => all.OrderByDescending(c => c.Value).ThenBy(c => c.Key).Take(n);

    public IEnumerator<KeyValuePair<ulong, ulong>> GetEnumerator() => all.AsEnumerable().GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
