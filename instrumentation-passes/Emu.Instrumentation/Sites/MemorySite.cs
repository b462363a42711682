using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>
/// One access of an instruction to memory. Its own actions go after it, where it has happened and its value is known. Registers
/// are those before the instruction (of a rep string instruction: before this repetition).
/// </summary>
/// <remarks>
/// A locked instruction that reads and writes is two sites, the load and then the store; it cannot be interrupted, so both places
/// of the store are after it. A compare-and-exchange that fails makes no store: actions at its store happen only if it succeeds.
/// </remarks>
public sealed class MemorySite : CodeSite
{
    readonly Access access;

    internal MemorySite(GuestInstruction instruction, Access access, Place before, Place after) : base(instruction)
    {
        (this.access, Before, After) = (access, before, after);
        Address = Word.At(Linear);
        Value = Word.At(at => Part(at, 0), Math.Min(64, 8 * Size));
        ValueHigh = Word.At(at => Part(at, 1), Math.Clamp(8 * Size - 64, 0, 64));
    }

    /// <summary>The guest address of the first byte, segment base included.</summary>
    public Word Address { get; }

    /// <summary>Bytes: 1, 2, 4, 8, 10 (x87), 16, 32 or those of an x87 or vector state image (14 to 832).</summary>
    public int Size => access.Size;
    public bool IsStore => access.IsStore;
    public bool IsLoad => !IsStore;

    /// <summary>Whether the access is part of an atomic instruction.</summary>
    public bool IsLocked => access.IsLocked;

    /// <summary>What was loaded or is stored, zero-extended: the low 64 bits. A loaded value is known only <see cref="After"/>. Of 512 bytes: the first.</summary>
    public Word Value { get; }

    /// <summary>Bits 64 to 127 of the value; 0 for accesses of at most 8 bytes.</summary>
    public Word ValueHigh { get; }

    /// <summary>Just before the access: it may still fault.</summary>
    public Place Before { get; }

    /// <summary>Just after the access.</summary>
    public Place After { get; }

    private protected override Place Natural => After;

    V Linear(Place at) => access.Segment is { } s ? new V(at.E, access.Address) + Register(s + "base").In(at, IrType.I64) : new(at.E, access.Address);

    V Part(Place at, int half)
    {
        if (at.IsTooEarly) throw new SiteException($"0x{Instruction.Address:x}: the value of this access of '{Instruction.Disassembly}' is not known before it: use at.After");
        V v = access.Value(at);
        if (v.Type.TotalBits <= 64) return half == 0 ? v.Bits(v.Type.AsInt).Zext(IrType.I64) : at.E.Const(IrType.I64, 0);
        if (v.Type.TotalBits % 64 != 0 || v.Type.Kind == Kind.Int && !v.Type.IsVector) return (v.Bits(v.Type.AsInt) >> 64 * half).Trunc(IrType.I64);
        return v.Bits(IrType.I64.Fill(v.Type.TotalBits)).Extract(half);
    }
}
