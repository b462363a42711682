using System.Buffers.Binary;
using Emu.Ir;

namespace Emu.Tests.Lift;

/// <summary>The FXSAVE image (Intel SDM vol. 1, table 10-2): its x87 registers are relative to the top.</summary>
static class Fxsave
{
    public static void FromState(State s, Span<byte> image)
    {
        int top = (int)s["ftop"];
        image.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(image, (ushort)s["fcw"]);
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], (ushort)(s["fsw"] | (uint)top << 11));
        image[4] = (byte)s["ftag"];
        BinaryPrimitives.WriteUInt32LittleEndian(image[24..], (uint)s["mxcsr"]);
        for (int n = 0; n < 8; n++) Physical(s, top + n).CopyTo(image[(32 + 16 * n)..]);
        for (int n = 0; n < 16; n++) s.Bytes.AsSpan(GuestState.Vectors + 32 * n, 16).CopyTo(image[(160 + 16 * n)..]);
    }

    public static void ToState(ReadOnlySpan<byte> image, State s)
    {
        uint status = BinaryPrimitives.ReadUInt16LittleEndian(image[2..]);
        int top = (int)(status >> 11 & 7);
        (s["fcw"], s["fsw"], s["ftop"]) = (BinaryPrimitives.ReadUInt16LittleEndian(image), status & 0xc7ff, (ulong)top);
        (s["ftag"], s["mxcsr"]) = (image[4], BinaryPrimitives.ReadUInt32LittleEndian(image[24..]));
        for (int n = 0; n < 8; n++) image.Slice(32 + 16 * n, 10).CopyTo(Physical(s, top + n));
    }

    static Span<byte> Physical(State s, int n) => s.Bytes.AsSpan(GuestState.X87 + 16 * (n & 7), 10);
}
