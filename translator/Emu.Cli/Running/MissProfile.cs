using System.Globalization;
using System.Security.Cryptography;

namespace Emu.Cli.Running;

/// <summary>Why a PC had no region when a run met it.</summary>
enum MissReason { Undiscovered, Resumed, WritablePage, Generated }

/// <summary>
/// PCs of a guest that runs met without a region: one line each, `0x401136 undiscovered`, in the cache's folder profiles. What is in the
/// guest's file and constant can be translated ahead of time when it is built again. A library has a profile of its own, with offsets for
/// PCs; that it was opened by a program says a line `file PATH` in the program's. A file of its own says that the program has handlers for faults.
/// </summary>
sealed class MissProfile
{
    readonly string path, faults;
    readonly Dictionary<ulong, MissReason> misses = [];
    readonly SortedSet<string> files = new(StringComparer.Ordinal);
    bool hasGenerated;

    MissProfile(string path)
    {
        (this.path, faults) = (path, $"{path}-faults");
        if (!File.Exists(path)) return;
        foreach (var words in File.ReadLines(path).Select(l => l.Split(' ', 2)))
            if (words is [FileWord, { Length: > 0 } file]) files.Add(file);
            else if (words.Length == 2 && words[0].StartsWith("0x", StringComparison.Ordinal) && Enum.TryParse(words[1], ignoreCase: true, out MissReason reason)
                && ulong.TryParse(words[0].AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong pc))
                misses.TryAdd(pc, reason);
        hasGenerated = misses.ContainsValue(MissReason.Generated);
    }

    const string FileWord = "file";

    /// <summary>Libraries with code that the program opened while it ran.</summary>
    public IEnumerable<string> Files => files;

    /// <summary>What is known of the guest with this file.</summary>
    public static MissProfile Of(ReadOnlySpan<byte> guest) => new(Path.Combine(CacheFolder.Part("profiles"), Convert.ToHexStringLower(SHA256.HashData(guest))[..32]));

    /// <summary>Empty until a run has learnt that the guest with this file has a handler for faults: a runner that was built before is out of date then.</summary>
    public static string FaultsFile(ReadOnlySpan<byte> guest) => Of(guest).faults;

    /// <summary>Whether the guest has a handler for faults, which wants to see its registers.</summary>
    public bool HandlesFaults => new FileInfo(faults) is { Exists: true, Length: > 0 };

    /// <summary>Remembers that it has.</summary>
    public void AddFaults()
    {
        if (!HandlesFaults) Append(faults, "handled\n");
    }

    /// <summary>All of them, by address.</summary>
    public IEnumerable<KeyValuePair<ulong, MissReason>> Misses => misses.OrderBy(m => m.Key);

    /// <summary>Those that can be roots.</summary>
    public IReadOnlyList<ulong> Roots => [.. Misses.Where(m => m.Value is MissReason.Undiscovered or MissReason.Resumed).Select(m => m.Key)];

    /// <summary>Remembers a PC. Several processes may do so at once: a line is one write.</summary>
    public void Add(ulong pc, MissReason reason)
    {
        if (!misses.TryAdd(pc, reason)) return;
        // Generated code lies elsewhere in the next run: of it one line is enough to say that there was some.
        if (reason == MissReason.Generated && hasGenerated) return;
        hasGenerated |= reason == MissReason.Generated;
        Append(path, $"0x{pc:x} {reason.ToString().ToLowerInvariant()}\n");
    }

    /// <summary>Remembers a library.</summary>
    public void AddFile(string library)
    {
        if (!library.Contains('\n') && files.Add(library)) Append(path, $"{FileWord} {library}\n");
    }

    static void Append(string path, string line)
    {
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        file.Write(System.Text.Encoding.UTF8.GetBytes(line));
    }
}
