using Iced.Intel;

namespace Emu.Tests.Oracle;

/// <summary>Follows which status flags the manual leaves undefined at a point of a run (sets of undefined flags are Iced's).</summary>
sealed class FlagKnowledge
{
    static readonly (RflagsBits Bit, ulong Mask)[] Bits =
        [(RflagsBits.CF, 1), (RflagsBits.PF, 4), (RflagsBits.AF, 16), (RflagsBits.ZF, 64), (RflagsBits.SF, 128), (RflagsBits.DF, 1024), (RflagsBits.OF, 2048)];

    /// <summary>Bits of rflags that may be anything now.</summary>
    public ulong Undefined { get; private set; }

    /// <summary>Bits of r11 that may be anything now, because syscall copied rflags there.</summary>
    public ulong UndefinedR11 { get; private set; }

    public void After(in Instruction instruction, Step before)
    {
        if (instruction.Mnemonic == Mnemonic.Syscall)
            UndefinedR11 = Undefined;
        else if (UndefinedR11 != 0 && Writes(instruction, Register.R11))
            UndefinedR11 = 0;
        if (ShiftsByNothing(instruction, before))
            return;
        Undefined &= ~Mask(instruction.RflagsModified);
        Undefined |= Mask(instruction.RflagsUndefined);
    }

    static bool Writes(in Instruction instruction, Register register) =>
        instruction.OpCount > 0 && instruction.Op0Kind == OpKind.Register && instruction.Op0Register.GetFullRegister() == register;

    /// <summary>Shifts and rotates by cl = 0 leave all flags alone (SDM vol. 2, SAL/SAR/SHL/SHR).</summary>
    static bool ShiftsByNothing(in Instruction instruction, Step before)
    {
        if (instruction.Mnemonic is not (Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr
            or Mnemonic.Shld or Mnemonic.Shrd))
            return false;
        var last = instruction.OpCount - 1;
        if (instruction.GetOpKind(last) != OpKind.Register || instruction.GetOpRegister(last) != Register.CL)
            return false;
        var wide = instruction.Op0Kind == OpKind.Memory ? instruction.MemorySize.GetSize() == 8 : instruction.Op0Register.IsGPR64();
        return (before.Gpr[Step.Rcx] & (wide ? 63u : 31u)) == 0;
    }

    static ulong Mask(RflagsBits bits) => Bits.Where(b => (bits & b.Bit) != 0).Aggregate(0ul, (mask, b) => mask | b.Mask);
}
