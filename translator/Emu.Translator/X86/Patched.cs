using Emu.Ir;
using Iced.Intel;

namespace Emu.Translator.X86;

/// <summary>
/// Immediate operands that a program keeps rewriting: code that reads them from memory, where they are, need not be translated again.
/// </summary>
public static class Patched
{
    /// <summary>Where the immediate of an instruction lies that may be lifted so: it is the last of its bytes (Intel SDM vol. 2, 2.1).</summary>
    public static (ulong Address, int Size)? Immediate(in Instruction i)
    {
        if (i.OpCount != 2 || i.Mnemonic is not (Mnemonic.Mov or Mnemonic.Add or Mnemonic.Sub or Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Cmp)) return null;
        int size = i.Op1Kind switch { OpKind.Immediate64 => 8, OpKind.Immediate32 or OpKind.Immediate32to64 => 4, _ => 0 };
        return size == 0 ? null : (i.NextIP - (ulong)size, size);
    }

    /// <summary>The native operation that reads it, sign-extended to 64 bits.</summary>
    internal static V Read(Emitter e, (ulong Address, int Size) at, Emu.Ir.Type t) =>
        e.Native($"immediate{8 * at.Size}", Emu.Ir.Type.I64, null, e.ConstBits(Emu.Ir.Type.I64, at.Address)).Fit(t);
}
