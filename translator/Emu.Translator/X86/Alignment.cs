using Iced.Intel;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>Which vector operands in memory must be aligned (Intel SDM vol. 2, 2.7 "exception types 1 and 4"; vol. 1, 14.9).</summary>
static class Alignment
{
    /// <summary>SSE operands of 16 bytes that may lie anywhere; all others may not.</summary>
    static readonly HashSet<Mnemonic> anywhere = [Movups, Movupd, Movdqu, Lddqu, Pcmpistri, Pcmpistrm, Pcmpestri, Pcmpestrm, Pcmpestri64, Pcmpestrm64];

    /// <summary>Checked by Intel's CPUs and not by AMD's: the operand is left to the host's own instruction.</summary>
    static readonly HashSet<Mnemonic> asTheHost = [Sha1nexte, Sha1msg1, Sha1msg2, Sha1rnds4, Sha256msg1, Sha256msg2, Sha256rnds2];

    /// <summary>VEX operands that must be aligned to their size; all others may lie anywhere.</summary>
    static readonly HashSet<Mnemonic> aligned = [Vmovaps, Vmovapd, Vmovdqa, Vmovntps, Vmovntpd, Vmovntdq, Vmovntdqa];

    /// <summary>Whether an access of so many bytes by <paramref name="i"/> faults where it is misaligned.</summary>
    public static bool IsChecked(in Instruction i, int bytes) => bytes >= 16 && i.Encoding switch
    {
        EncodingKind.VEX => aligned.Contains(i.Mnemonic),
        EncodingKind.Legacy => UsesVectors(i) && !anywhere.Contains(i.Mnemonic) && !asTheHost.Contains(i.Mnemonic),
        _ => false,
    };

    static bool UsesVectors(in Instruction i) => Mmx.Uses(i) || i.Op0Register.IsVectorRegister() || i.Op1Register.IsVectorRegister();
}
