namespace Emu.Translator.Elf;

/// <summary>Call-site tables of C++-style exception handling (Itanium C++ ABI, "Exception Handling Tables").</summary>
internal static class Lsda
{
    /// <summary>The landing pads a frame's table names, as run-time addresses.</summary>
    public static IReadOnlyList<ulong> LandingPads(Image image, Fde fde)
    {
        var pads = new List<ulong>();
        if (fde.Lsda == 0 || image.SegmentAt(fde.Lsda) is not { } segment) return pads;
        var offset = fde.Lsda - segment.Address;
        if (offset >= (ulong)segment.Bytes.Length) return pads;
        try
        {
            Read(image, fde, new Cursor(segment.Bytes.Span[(int)offset..], fde.Lsda), pads);
        }
        catch (BadInputException)
        {
            return pads;
        }
        return pads;
    }

    static void Read(Image image, Fde fde, Cursor at, List<ulong> pads)
    {
        var landingBase = EncodedPointer.Read(ref at, at.U8(), image);
        if (landingBase == 0) landingBase = fde.Start;
        if (at.U8() != EncodedPointer.Omit) at.Uleb();
        var encoding = at.U8();
        var length = at.Uleb();
        var end = (ulong)at.Position + length;
        while ((ulong)at.Position < end)
        {
            EncodedPointer.Read(ref at, encoding, image);
            EncodedPointer.Read(ref at, encoding, image);
            var pad = EncodedPointer.Read(ref at, encoding, image);
            at.Uleb();
            if (pad != 0 && image.IsExecutable(landingBase + pad)) pads.Add(landingBase + pad);
        }
    }
}
