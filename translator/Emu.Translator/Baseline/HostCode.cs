using Emu.Ir;
using Iced.Intel;

namespace Emu.Translator.Baseline;

/// <summary>How the bytes of a <see cref="Reference"/> follow from its symbol's address.</summary>
public enum ReferenceKind
{
    /// <summary>The address, in 32 bits that are sign-extended.</summary>
    Absolute,
    /// <summary>The distance from the end of the four bytes.</summary>
    Relative,
    /// <summary>The offset from the thread pointer.</summary>
    Thread,
}

/// <summary>Four bytes of code that depend on where a symbol lies.</summary>
public readonly record struct Reference(int Offset, ReferenceKind Kind, string Symbol, int Addend);

/// <summary>Host machine code being written: instructions through Iced's encoder, jumps to labels, references to symbols.</summary>
public sealed class HostCode : CodeWriter
{
    const int Rel32 = 4;

    readonly Encoder encoder;
    readonly List<int> labels = [];
    readonly List<(int Offset, int Label)> jumps = [];
    byte[] bytes = new byte[2048];

    public HostCode() => encoder = Encoder.Create(64, this);

    /// <summary>Bytes so far.</summary>
    public int Size { get; private set; }

    public List<Reference> References { get; } = new(128);

    /// <summary>The code; all labels must be marked.</summary>
    public byte[] Finish()
    {
        foreach (var (offset, label) in jumps) Patch(offset, labels[label] - offset - Rel32);
        return bytes.AsSpan(0, Size).ToArray();
    }

    public override void WriteByte(byte value)
    {
        if (Size == bytes.Length) Array.Resize(ref bytes, 2 * Size);
        bytes[Size++] = value;
    }

    public void Bytes(params ReadOnlySpan<byte> all) { foreach (byte b in all) WriteByte(b); }

    /// <summary>Appends an instruction. One below fs accesses the thread's state; <paramref name="symbol"/> is what its displacement or 32-bit immediate is relative to.</summary>
    public void Add(in Instruction i, string? symbol = null)
    {
        int start = Size;
        encoder.Encode(i, (ulong)start);
        if (symbol is null && i.SegmentPrefix != Register.FS) return;
        var at = encoder.GetConstantOffsets();
        bool inDisplacement = at.HasDisplacement;
        References.Add(new(start + (int)(inDisplacement ? at.DisplacementOffset : at.ImmediateOffset),
            symbol is null ? ReferenceKind.Thread : ReferenceKind.Absolute, symbol ?? "emu_state", inDisplacement ? (int)i.MemoryDisplacement64 : 0));
    }

    // --- The forms that most of all code has, without the encoder, which takes 120 ns for each: half of a region's time ---

    /// <summary>An instruction on two registers (Intel SDM vol. 2, 2.1.3); an opcode above 255 has a 0x0f before it.</summary>
    public void OnRegisters(int opcode, int reg, int rm, int bits)
    {
        if (bits == 16) WriteByte(0x66);
        Rex(reg, rm, bits);
        Opcode(opcode);
        WriteByte((byte)(0xc0 | (reg & 7) << 3 | rm & 7));
    }

    /// <summary>An instruction on a register and a place in the thread's state.</summary>
    public void OnState(int opcode, int reg, int offset, int bits)
    {
        const byte fs = 0x64, absolute = 0x25; // of the SIB byte: no base, no index
        WriteByte(fs);
        if (bits == 16) WriteByte(0x66);
        Rex(reg, 0, bits);
        Opcode(opcode);
        WriteByte((byte)(4 | (reg & 7) << 3));
        WriteByte(absolute);
        References.Add(new(Size, ReferenceKind.Thread, "emu_state", offset));
        Bytes(0, 0, 0, 0);
    }

    /// <summary>Bytes of rsp to rdi need one, too.</summary>
    void Rex(int reg, int rm, int bits)
    {
        int rex = (bits == 64 ? 8 : 0) | reg >> 3 << 2 | rm >> 3;
        if (rex != 0 || bits == 8) WriteByte((byte)(0x40 | rex));
    }

    void Opcode(int opcode)
    {
        if (opcode > 0xff) WriteByte(0x0f);
        WriteByte((byte)opcode);
    }

    public int NewLabel()
    {
        labels.Add(-1);
        return labels.Count - 1;
    }

    public void Mark(int label) => labels[label] = Size;

    public void Jump(int label)
    {
        WriteByte(0xe9);
        To(label);
    }

    public void Jump(Cc condition, int label)
    {
        Bytes(0x0f, (byte)(0x80 | (int)condition));
        To(label);
    }

    /// <summary>The address of a label to one of r8 to r15.</summary>
    public void AddressOf(int register, int label)
    {
        Bytes(0x4c, 0x8d, (byte)(5 | (register - 8) << 3));
        To(label);
    }

    public void Call(string symbol) => Near(0xe8, symbol);
    public void JumpTo(string symbol) => Near(0xe9, symbol);

    void Near(byte opcode, string symbol)
    {
        WriteByte(opcode);
        References.Add(new(Size, ReferenceKind.Relative, symbol, 0));
        Bytes(0, 0, 0, 0);
    }

    void To(int label)
    {
        jumps.Add((Size, label));
        Bytes(0, 0, 0, 0);
    }

    /// <summary>Writes four bytes at a place that was left open.</summary>
    public void Patch(int offset, int value) => System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(offset), value);
}
