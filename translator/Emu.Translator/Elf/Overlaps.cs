namespace Emu.Translator.Elf;

/// <summary>Segments that share pages, as the kernel maps them: page by page, in the order of the program headers, over what is there.</summary>
static class Overlaps
{
    const ulong PageSize = 4096;

    /// <summary>The bytes of a range that the file has; what is mapped past its end is not there (SIGBUS).</summary>
    public static ReadOnlyMemory<byte> InFile(ReadOnlyMemory<byte> file, ulong offset, ulong size)
    {
        ulong start = Math.Min(offset, (ulong)file.Length);
        return file.Slice((int)start, (int)Math.Min(size, (ulong)file.Length - start));
    }

    /// <summary>The segments as they are; those that share pages as what is left of each.</summary>
    public static IReadOnlyList<Segment> Resolve(IReadOnlyList<Segment> segments, ReadOnlyMemory<byte> file)
    {
        var last = 0ul;
        bool share = false;
        foreach (var s in segments.OrderBy(s => s.Address))
        {
            share |= Down(s.Address) < last;
            last = Math.Max(last, Up(s.End));
        }
        return share ? segments.Aggregate(new List<Segment>(), (there, s) => [.. there.SelectMany(t => Without(t, Down(s.Address), Up(s.End))), Whole(s, file)]) : segments;
    }

    /// <summary>The segment's pages: the file's bytes go on before it, and behind it unless what follows is cleared.</summary>
    static Segment Whole(Segment s, ReadOnlyMemory<byte> file)
    {
        ulong before = s.Address - Down(s.Address), offset = s.FileOffset - before, inFile = before + (ulong)s.Bytes.Length;
        bool isCleared = s.IsWritable && (ulong)s.Bytes.Length < s.Size;
        return s with
        {
            Address = Down(s.Address), Size = Up(s.End) - Down(s.Address), FileOffset = offset,
            Bytes = s.Bytes.Length == 0 ? s.Bytes : InFile(file, offset, isCleared ? inFile : Up(inFile)),
        };
    }

    /// <summary>What a mapping over [from, to) leaves of a segment.</summary>
    static IEnumerable<Segment> Without(Segment s, ulong from, ulong to)
    {
        if (from >= s.End || to <= s.Address)
        {
            yield return s;
            yield break;
        }
        if (s.Address < from) yield return Part(s, 0, from - s.Address);
        if (to < s.End) yield return Part(s, to - s.Address, s.End - to);
    }

    static Segment Part(Segment s, ulong from, ulong size) => s with
    {
        Address = s.Address + from, Size = size, FileOffset = s.FileOffset + from, Bytes = InFile(s.Bytes, from, size),
    };

    static ulong Down(ulong at) => at & ~(PageSize - 1);

    static ulong Up(ulong at) => Down(at + PageSize - 1);
}
