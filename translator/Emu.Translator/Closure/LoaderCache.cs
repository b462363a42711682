using System.Buffers.Binary;
using System.Text;

namespace Emu.Translator.Closure;

/// <summary>/etc/ld.so.cache as glibc writes it (sysdeps/generic/dl-cache.h: "glibc-ld.so.cache1.1"): names of libraries and where they are.</summary>
sealed class LoaderCache
{
    const int HeaderSize = 48, EntrySize = 24;
    const uint X86_64 = 0x0303, ExtensionMagic = 0xeaa42174, HwcapsTag = 1;
    const ulong IsHwcapsExtension = 1ul << 62;

    readonly Dictionary<string, (int Rank, string Path)> best = [];

    /// <param name="levels">Subdirectories of glibc-hwcaps that this CPU may use, best first.</param>
    LoaderCache(ReadOnlySpan<byte> file, IReadOnlyList<string> levels)
    {
        var names = Hwcaps(file);
        uint count = U32(file, 20);
        for (int n = 0; n < count; n++)
        {
            var entry = file.Slice(HeaderSize + n * EntrySize, EntrySize);
            if (U32(entry, 0) != X86_64) continue;
            ulong hwcap = BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]);
            if (hwcap != 0 && hwcap >> 32 != IsHwcapsExtension >> 32) continue; // legacy subdirectories: not since glibc 2.37
            int rank = hwcap == 0 ? levels.Count : (int)(uint)hwcap < names.Count ? levels.ToList().IndexOf(names[(int)(uint)hwcap]) : -1;
            if (rank < 0) continue;
            string name = Text(file, U32(entry, 4));
            if (!best.TryGetValue(name, out var known) || rank < known.Rank) best[name] = (rank, Text(file, U32(entry, 8)));
        }
    }

    /// <summary>Where the library of that name is, null when the cache does not know.</summary>
    public string? Find(string name) => best.TryGetValue(name, out var entry) ? entry.Path : null;

    /// <summary>Null when there is no cache that can be read.</summary>
    public static LoaderCache? Read(string path, IReadOnlyList<string> levels)
    {
        try
        {
            byte[] file = File.ReadAllBytes(path);
            int start = file.AsSpan().IndexOf("glibc-ld.so.cache1.1"u8);
            return start < 0 ? null : new(file.AsSpan(start), levels);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>The strings that entries name their subdirectory by, from the extension section.</summary>
    static List<string> Hwcaps(ReadOnlySpan<byte> file)
    {
        var names = new List<string>();
        int at = (int)U32(file, 32);
        if (at == 0 || U32(file, at) != ExtensionMagic) return names;
        for (int n = 0; n < U32(file, at + 4); n++)
        {
            var section = file.Slice(at + 8 + 16 * n, 16);
            if (U32(section, 0) != HwcapsTag) continue;
            for (uint offset = 0; offset < U32(section, 12); offset += 4) names.Add(Text(file, U32(file, (int)(U32(section, 8) + offset))));
        }
        return names;
    }

    static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    static string Text(ReadOnlySpan<byte> file, uint at)
    {
        var rest = file[(int)at..];
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)0)]);
    }
}
