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

    public List<Reference> References { get; } = [];

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
