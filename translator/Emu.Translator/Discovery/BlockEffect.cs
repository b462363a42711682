using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// State that compilers let die at calls and returns: the status flags (bits as in <see cref="Emu.Ir.Flag"/>) and the scratch
/// registers that regions hand over in memory. Whether it may be dropped is proved for each program, not assumed.
/// </summary>
[Flags]
public enum Transient
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Overflow flag.</summary>
    O = 1 << 0,
    /// <summary>Sign flag.</summary>
    S = 1 << 1,
    /// <summary>Zero flag.</summary>
    Z = 1 << 2,
    /// <summary>Adjust flag.</summary>
    A = 1 << 3,
    /// <summary>Parity flag.</summary>
    P = 1 << 4,
    /// <summary>Carry flag.</summary>
    C = 1 << 5,
    /// <summary>The register r8.</summary>
    R8 = 1 << 6,
    /// <summary>The register r9.</summary>
    R9 = 1 << 7,
    /// <summary>The register r10.</summary>
    R10 = 1 << 8,
    /// <summary>The register r11.</summary>
    R11 = 1 << 9,
    /// <summary>All flags.</summary>
    Flags = 63,
    /// <summary>All of it.</summary>
    All = 1023,
}

/// <summary>What straight-line code does to transient state: what it may read before writing it, and what it surely overwrites.</summary>
internal readonly record struct BlockEffect(Transient Reads, Transient Kills)
{
    static readonly (RflagsBits Bit, Transient Flag)[] flags =
    [
        (RflagsBits.OF, Transient.O), (RflagsBits.SF, Transient.S), (RflagsBits.ZF, Transient.Z),
        (RflagsBits.AF, Transient.A), (RflagsBits.PF, Transient.P), (RflagsBits.CF, Transient.C),
    ];

    /// <summary>What the kernel takes from scratch registers (syscall(2), x86-64).</summary>
    const Transient KernelArguments = Transient.R8 | Transient.R9 | Transient.R10;

    public Transient Before(Transient after) => Reads | after & ~Kills;

    public static BlockEffect Of(IReadOnlyList<Instruction> instructions, InstructionInfoFactory info)
    {
        Transient reads = 0, kills = 0;
        foreach (var i in instructions)
        {
            var (read, write) = Of(i, info);
            reads |= read & ~kills;
            kills |= write;
        }
        return new(reads, kills);
    }

    static (Transient Reads, Transient Kills) Of(in Instruction i, InstructionInfoFactory info)
    {
        if (i.Mnemonic == Mnemonic.Syscall) return (KernelArguments, Transient.R11);
        Transient reads = Flags(i.RflagsRead), kills = WritesConditionally(i) ? 0 : Flags(i.RflagsModified);
        foreach (var used in info.GetInfo(i).GetUsedRegisters())
        {
            if (used.Register.GetFullRegister() is < Register.R8 or > Register.R11) continue;
            var bit = (Transient)((int)Transient.R8 << (used.Register.GetFullRegister() - Register.R8));
            // Writing a byte or a word keeps the rest; so does a write that may not happen.
            bool whole = used.Register.IsGPR64() || used.Register.IsGPR32();
            if (used.Access is OpAccess.Write && whole) kills |= bit;
            else reads |= bit;
        }
        return (reads, kills & ~reads);
    }

    static Transient Flags(RflagsBits bits)
    {
        Transient all = 0;
        foreach (var (bit, flag) in flags) if ((bits & bit) != 0) all |= flag;
        return all;
    }

    /// <summary>A shift by 0 and a string operation of length 0 leave the flags alone (Intel SDM volume 2, SAL and REP).</summary>
    static bool WritesConditionally(in Instruction i) => i.Mnemonic switch
    {
        Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sal or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr => i.Op1Kind == OpKind.Register,
        Mnemonic.Shld or Mnemonic.Shrd => i.Op2Kind == OpKind.Register,
        _ => i.IsStringInstruction && (i.HasRepPrefix || i.HasRepnePrefix),
    };
}
