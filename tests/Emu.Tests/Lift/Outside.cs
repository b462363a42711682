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
        ("a trap that says so, whatever the selector", [Mnemonic.Lfs, Mnemonic.Lgs]),
        ("a hint: it does nothing for the guest, not even fault at a bad address", [Mnemonic.Clflush, Mnemonic.Clflushopt, Mnemonic.Clwb]),
    ];

    static readonly Dictionary<Mnemonic, string> reasons = table.SelectMany(row => row.Mnemonics.Select(m => (m, row.Reason))).ToDictionary();

    /// <summary>Why an encoding is not tried; null if it is.</summary>
    public static string? Reason(Code code) =>
        reasons.TryGetValue(code.Mnemonic(), out var why) ? why
        : code.ToOpCode().IsPrivileged ? "privileged"
        : code is Code.Retfw or Code.Retfw_imm16 or Code.Iretw or Code.Jmp_m1616 or Code.Call_m1616 ? "goes to an address of 16 bits, where no program has code"
        : code is Code.Popw_FS or Code.Popq_FS or Code.Popw_GS or Code.Popq_GS ? "a trap that says so, whatever the selector"
        : code is Code.Movsxd_r16_rm16 ? "reads 16 bits of memory on Intel's CPUs, 32 on AMD's"
        : code is Code.Jmp_m1664 or Code.Call_m1664 or Code.Lss_r64_m1664 ? "differs between CPUs: a trap that says so"
        : code.ToString().EndsWith("0F0D", StringComparison.Ordinal) ? "nothing to Intel, invalid to AMD"
        : null;
}
