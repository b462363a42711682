namespace Emu.Translator.Elf;

/// <summary>Reads <c>.eh_frame</c> (LSB core specification, "Exception Frames"). Damaged records end the reading, never the run.</summary>
internal sealed class EhFrame
{
    sealed record Cie(byte PointerEncoding, byte LsdaEncoding, bool HasAugmentation);

    readonly Image image;
    readonly ulong start;
    readonly ReadOnlyMemory<byte> bytes;
    readonly Dictionary<int, Cie?> cies = [];

    EhFrame(Image image, ulong start, ReadOnlyMemory<byte> bytes) => (this.image, this.start, this.bytes) = (image, start, bytes);

    /// <summary>All FDEs of the image, by address; found through the section or, without one, PT_GNU_EH_FRAME.</summary>
    public static IReadOnlyList<Fde> Read(Image image, ulong? header)
    {
        var section = image.Sections.FirstOrDefault(s => s is { Name: ".eh_frame", IsAllocated: true });
        var start = section?.Address ?? (header is { } address ? StartFrom(image, address) : null);
        if (start is not { } first || image.SegmentAt(first) is not { } segment) return [];
        var offset = first - segment.Address;
        if (offset >= (ulong)segment.Bytes.Length) return [];
        var size = Math.Min(section?.Size ?? ulong.MaxValue, (ulong)segment.Bytes.Length - offset);
        var fdes = new EhFrame(image, first, segment.Bytes.Slice((int)offset, (int)size)).ReadAll();
        return [.. fdes.OrderBy(f => f.Start).ThenByDescending(f => f.End).DistinctBy(f => f.Start)];
    }

    static ulong? StartFrom(Image image, ulong header)
    {
        if (!image.TryRead(header, 12, out var bytes)) return null;
        var at = new Cursor(bytes, header);
        if (at.U8() != 1) return null;
        var encoding = at.U8();
        at.U16();
        return EncodedPointer.Read(ref at, encoding, image, header);
    }

    List<Fde> ReadAll()
    {
        var fdes = new List<Fde>();
        try
        {
            for (var at = new Cursor(bytes.Span, start); !at.AtEnd;)
            {
                ulong length = at.U32();
                if (length == 0) break;
                if (length == 0xffffffff) length = at.U64();
                var body = at.Position;
                at.Take(length);
                if (ReadRecord(body, (int)length) is { } fde) fdes.Add(fde);
            }
        }
        catch (BadInputException)
        {
            return fdes;
        }
        return fdes;
    }

    Fde? ReadRecord(int body, int length)
    {
        var at = new Cursor(bytes.Span[..(body + length)], start) { Position = body };
        var id = at.U32();
        if (id == 0) return null;
        var ciePosition = (long)body - id;
        if (ciePosition < 0 || CieAt((int)ciePosition) is not { } cie) return null;
        var first = EncodedPointer.Read(ref at, cie.PointerEncoding, image);
        var size = EncodedPointer.Read(ref at, (byte)(cie.PointerEncoding & 0x0f), image);
        ulong lsda = 0;
        if (cie.HasAugmentation)
        {
            var augmentation = at.Uleb();
            var instructions = at.Position + (int)Math.Min(augmentation, int.MaxValue / 2);
            lsda = EncodedPointer.Read(ref at, cie.LsdaEncoding, image);
            at.Position = instructions;
        }
        return size == 0 || first + size < first || !image.IsExecutable(first)
            ? null
            : new(first, first + size, lsda, StartsInsideFrame(ref at));
    }

    /// <summary>Whether the CFA is redefined before the first advance of the location (DWARF 5, 6.4.2).</summary>
    static bool StartsInsideFrame(ref Cursor at)
    {
        const byte defCfa = 0x0c, defCfaOffset = 0x0e, defCfaExpression = 0x0f;
        return !at.AtEnd && at.U8() is defCfa or defCfaOffset or defCfaExpression;
    }

    Cie? CieAt(int position)
    {
        if (cies.TryGetValue(position, out var known)) return known;
        return cies[position] = ReadCie(position);
    }

    Cie? ReadCie(int position)
    {
        var at = new Cursor(bytes.Span, start) { Position = position };
        if (at.U32() == 0xffffffff) at.U64();
        if (at.U32() != 0) return null;
        var version = at.U8();
        var augmentation = at.Text();
        at.Uleb();
        at.Sleb();
        if (version == 1) at.U8();
        else at.Uleb();
        if (!augmentation.StartsWith('z')) return new(0, EncodedPointer.Omit, HasAugmentation: false);
        at.Uleb();
        byte pointer = 0, lsda = EncodedPointer.Omit;
        foreach (var letter in augmentation.AsSpan(1))
            switch (letter)
            {
                case 'R': pointer = at.U8(); break;
                case 'L': lsda = at.U8(); break;
                case 'P': EncodedPointer.Read(ref at, at.U8(), image); break;
            }
        return new(pointer, lsda, HasAugmentation: true);
    }
}
