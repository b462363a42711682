using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// Addresses of data that any instruction names, also ones not reached yet, by one pass over all executable bytes. A jump table without a
/// known bound ends where one of them begins.
/// </summary>
internal sealed class DataReferences(Image image)
{
    readonly Lazy<HashSet<ulong>> addresses = new(() => Sweep(image));

    public bool Contains(ulong address) => addresses.Value.Contains(address);

    static HashSet<ulong> Sweep(Image image)
    {
        var found = new HashSet<ulong>();
        foreach (var segment in image.Segments.Where(s => s.IsExecutable))
        {
            var decoder = Decoder.Create(64, new SegmentReader(segment), segment.Address);
            var end = segment.Address + (ulong)segment.Bytes.Length;
            while (decoder.IP < end)
            {
                decoder.Decode(out var i);
                if (i.MemoryDisplSize >= 4 && image.SegmentAt(i.MemoryDisplacement64) is { IsExecutable: false }) found.Add(i.MemoryDisplacement64);
            }
        }
        return found;
    }

    sealed class SegmentReader(Segment segment) : CodeReader
    {
        int position;

        public override int ReadByte() => position < segment.Bytes.Length ? segment.Bytes.Span[position++] : -1;
    }
}
