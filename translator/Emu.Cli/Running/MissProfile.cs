using System.Globalization;
using System.Security.Cryptography;

namespace Emu.Cli.Running;

/// <summary>Why a PC had no region when a run met it.</summary>
enum MissReason { Undiscovered, Resumed, WritablePage, Generated }

/// <summary>
/// PCs of a guest that runs met without a region: one line each, `0x401136 undiscovered`, in the cache's folder profiles. What is in the
/// guest's file and constant can be translated ahead of time when it is built again. A library has a profile of its own, with offsets for
/// PCs; that it was opened by a program says a line `file PATH` in the program's.
/// </summary>
sealed class MissProfile
{
    readonly string path;
    readonly Dictionary<ulong, MissReason> misses = [];
    readonly SortedSet<string> files = new(StringComparer.Ordinal);
    bool hasGenerated;

    MissProfile(string path)
    {
        this.path = path;
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
        Append($"0x{pc:x} {reason.ToString().ToLowerInvariant()}\n");
    }

    /// <summary>Remembers a library.</summary>
    public void AddFile(string library)
    {
        if (!library.Contains('\n') && files.Add(library)) Append($"{FileWord} {library}\n");
    }

    void Append(string line)
    {
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        file.Write(System.Text.Encoding.UTF8.GetBytes(line));
    }
}
