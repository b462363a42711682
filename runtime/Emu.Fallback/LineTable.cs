using System.Buffers.Binary;

namespace Emu.Fallback;

/// <summary>A .debug_line unit for code of the first tier: what the core reads of LLVM's (DWARF 4, 6.2; runtime/core/locate.c).</summary>
static class LineTable
{
    const byte Copy = 1, AdvancePc = 2, AdvanceLine = 3, EndSequence = 1, SetAddress = 2;

    /// <summary>Version, header length, then: instructions of 1 byte, 1 operation, statements, line base and range, and operands of the nine standard opcodes.</summary>
    static readonly byte[] header = [4, 0, 17, 0, 0, 0, 1, 1, 1, 0, 1, 10, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0];

    /// <param name="lines">Guest PCs by offset; lines have their low 32 bits.</param>
    public static byte[] Write(IReadOnlyList<(int Offset, ulong Pc)> lines, ulong address, int size)
    {
        var unit = new byte[64 + 16 * (lines.Count + 1)];
        int at = 4;
        foreach (byte b in header) unit[at++] = b;
        unit[at++] = 0;
        unit[at++] = 9;
        unit[at++] = SetAddress;
        BinaryPrimitives.WriteUInt64LittleEndian(unit.AsSpan(at), address);
        at += 8;
        int offset = 0;
        long line = 1;
        foreach (var (next, pc) in lines)
        {
            unit[at++] = AdvancePc;
            Unsigned(unit, ref at, (uint)(next - offset));
            unit[at++] = AdvanceLine;
            Signed(unit, ref at, (long)(uint)pc - line);
            unit[at++] = Copy;
            (offset, line) = (next, (uint)pc);
        }
        unit[at++] = AdvancePc;
        Unsigned(unit, ref at, (uint)(size - offset));
        unit[at++] = 0;
        unit[at++] = 1;
        unit[at++] = EndSequence;
        BinaryPrimitives.WriteInt32LittleEndian(unit, at - 4);
        return unit[..at];
    }

    static void Unsigned(byte[] to, ref int at, uint value)
    {
        for (; value >= 0x80; value >>= 7) to[at++] = (byte)(value | 0x80);
        to[at++] = (byte)value;
    }

    static void Signed(byte[] to, ref int at, long value)
    {
        for (; value is < -64 or >= 64; value >>= 7) to[at++] = (byte)(value | 0x80);
        to[at++] = (byte)(value & 0x7f);
    }
}
