using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Encodings that have a row and yet are not tried at random, each with the reason. Everything else is compared.</summary>
static class Outside
{
    static readonly (string Reason, Mnemonic[] Mnemonics)[] table =
    [
        ("the kernel's business", [Mnemonic.Syscall, Mnemonic.Sysenter]),
        ("masked for the guest, by runtime/core/cpuid.c", [Mnemonic.Cpuid, Mnemonic.Xgetbv]),
        ("differs from run to run", [Mnemonic.Rdtsc, Mnemonic.Rdtscp, Mnemonic.Rdrand, Mnemonic.Rdseed]),
        ("differs with the CPU that the process runs on", [Mnemonic.Rdpid, Mnemonic.Sgdt, Mnemonic.Lsl, Mnemonic.Lar]),
        ("one row for all operands: a trap by its text", [Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Int]),
        ("emulated by the kernel where the CPU has UMIP, and then not as without it", [Mnemonic.Sldt, Mnemonic.Str, Mnemonic.Smsw, Mnemonic.Sidt]),
        ("as CR4.PCE says: a trap", [Mnemonic.Rdpmc]),
        ("the host's own selectors, which no guest loads", [Mnemonic.Lss, Mnemonic.Lfs, Mnemonic.Lgs]),
        ("a hint: it does nothing for the guest, not even fault at a bad address", [Mnemonic.Clflush, Mnemonic.Clflushopt, Mnemonic.Clwb]),
        ("leaves user mode or may not be executed there", [Mnemonic.Iretq, Mnemonic.Iretd, Mnemonic.Iret, Mnemonic.Sysretq, Mnemonic.Sysexitq]),
    ];

    static readonly Dictionary<Mnemonic, string> reasons = table.SelectMany(row => row.Mnemonics.Select(m => (m, row.Reason))).ToDictionary();

    /// <summary>Why an encoding is not tried; null if it is.</summary>
    public static string? Reason(Code code) =>
        reasons.TryGetValue(code.Mnemonic(), out var why) ? why
        : code.ToOpCode().IsPrivileged ? "privileged"
        : code.IsJmpFarIndirect() || code.IsCallFarIndirect() || code.Mnemonic() == Mnemonic.Retf ? "goes to another code segment"
        : code.ToString().StartsWith("Mov_Sreg", StringComparison.Ordinal) ? "loads a selector: a trap that says so"
        : code.ToString().EndsWith("0F0D", StringComparison.Ordinal) ? "nothing to Intel, invalid to AMD"
        : null;

    /// <summary>Rows that are known not to do what the CPU does, with the reason. A line that none of its rows show any more is an error, so that it is deleted.</summary>
    public static readonly IReadOnlyList<(string Reason, Mnemonic[] Mnemonics)> Gaps =
    [
        ("a store that faults has changed the x87 already", [Mnemonic.Fst, Mnemonic.Fstp, Mnemonic.Fist, Mnemonic.Fistp, Mnemonic.Fisttp, Mnemonic.Fbstp]),
        ("a fault of its second page comes after the first was written", [Mnemonic.Fnsave, Mnemonic.Fnstenv, Mnemonic.Vpmaskmovd, Mnemonic.Vpmaskmovq, Mnemonic.Vmaskmovps, Mnemonic.Vmaskmovpd]),
    ];

    /// <summary>Whether <see cref="Gaps"/> lists it.</summary>
    public static bool IsGap(Mnemonic m) => Gaps.Any(g => g.Mnemonics.Contains(m));
}
