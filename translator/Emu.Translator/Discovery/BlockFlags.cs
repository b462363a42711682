using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>What straight-line code does to the status flags: those it may read before writing them, and those it surely overwrites.</summary>
internal readonly record struct BlockFlags(RflagsBits Reads, RflagsBits Kills)
{
    public const RflagsBits Status = RflagsBits.OF | RflagsBits.SF | RflagsBits.ZF | RflagsBits.AF | RflagsBits.PF | RflagsBits.CF;

    public RflagsBits Before(RflagsBits after) => Reads | after & ~Kills;

    public static BlockFlags Of(IReadOnlyList<Instruction> instructions)
    {
        RflagsBits reads = 0, kills = 0;
        foreach (var i in instructions)
        {
            if (i.Mnemonic == Mnemonic.Syscall) continue;
            reads |= i.RflagsRead & Status & ~kills;
            if (!WritesConditionally(i)) kills |= i.RflagsModified & Status;
        }
        return new(reads, kills);
    }

    /// <summary>A shift by 0 and a string operation of length 0 leave the flags alone (Intel SDM volume 2, SAL and REP).</summary>
    static bool WritesConditionally(in Instruction i) => i.Mnemonic switch
    {
        Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sal or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr => i.Op1Kind == OpKind.Register,
        Mnemonic.Shld or Mnemonic.Shrd => i.Op2Kind == OpKind.Register,
        _ => i.IsStringInstruction && (i.HasRepPrefix || i.HasRepnePrefix),
    };
}
