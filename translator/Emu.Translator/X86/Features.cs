using Iced.Intel;
using static Iced.Intel.CpuidFeature;

namespace Emu.Translator.X86;

/// <summary>An extension that guests are told of when the host has it.</summary>
/// <param name="Name">As in /proc/cpuinfo.</param>
/// <param name="Leaf">The cpuid leaf; for 0xd its subleaf 1.</param>
/// <param name="Register">a, b, c or d.</param>
/// <param name="Bit">Of that register.</param>
/// <param name="Iced">What Iced calls the instructions that come with it.</param>
public sealed record Feature(string Name, uint Leaf, char Register, int Bit, params CpuidFeature[] Iced);

/// <summary>
/// The CPU that guests see: one table for what the lifter covers, what <c>cpuid</c> and AT_HWCAP say (runtime/core/cpuid.c) and what
/// <c>emu doctor</c> prints. Bits: Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E.
/// </summary>
public static class Features
{
    public static readonly IReadOnlyList<Feature> All =
    [
        new("fpu", 1, 'd', 0, FPU, FPU287, FPU387), new("vme", 1, 'd', 1), new("tsc", 1, 'd', 4, TSC), new("msr", 1, 'd', 5), new("pae", 1, 'd', 6),
        new("mce", 1, 'd', 7), new("cx8", 1, 'd', 8, CX8), new("apic", 1, 'd', 9), new("sep", 1, 'd', 11, SEP), new("mtrr", 1, 'd', 12), new("pge", 1, 'd', 13),
        new("mca", 1, 'd', 14), new("cmov", 1, 'd', 15, CMOV), new("pat", 1, 'd', 16), new("pse36", 1, 'd', 17), new("clflush", 1, 'd', 19, CLFSH),
        new("mmx", 1, 'd', 23, MMX), new("fxsr", 1, 'd', 24, FXSR), new("sse", 1, 'd', 25, SSE), new("sse2", 1, 'd', 26, SSE2), new("ss", 1, 'd', 27), new("ht", 1, 'd', 28),
        new("de", 1, 'd', 2), new("pse", 1, 'd', 3),

        new("sse3", 1, 'c', 0, SSE3), new("ssse3", 1, 'c', 9, SSSE3), new("cx16", 1, 'c', 13, CMPXCHG16B), new("sse4_1", 1, 'c', 19, SSE4_1),
        new("sse4_2", 1, 'c', 20, SSE4_2), new("x2apic", 1, 'c', 21), new("popcnt", 1, 'c', 23, POPCNT), new("hypervisor", 1, 'c', 31),
        new("pclmulqdq", 1, 'c', 1, PCLMULQDQ), new("movbe", 1, 'c', 22, MOVBE), new("aes", 1, 'c', 25, AES), new("rdrand", 1, 'c', 30, RDRAND),
        new("fma", 1, 'c', 12, FMA), new("xsave", 1, 'c', 26, XSAVE), new("osxsave", 1, 'c', 27), new("avx", 1, 'c', 28, AVX), new("f16c", 1, 'c', 29, F16C),

        new("fsgsbase", 7, 'b', 0, FSGSBASE), new("bmi1", 7, 'b', 3, BMI1), new("avx2", 7, 'b', 5, AVX2), new("bmi2", 7, 'b', 8, BMI2), new("erms", 7, 'b', 9), new("rdseed", 7, 'b', 18, RDSEED),
        new("adx", 7, 'b', 19, ADX), new("clflushopt", 7, 'b', 23, CLFLUSHOPT), new("clwb", 7, 'b', 24, CLWB), new("sha_ni", 7, 'b', 29, SHA),
        new("gfni", 7, 'c', 8, GFNI), new("vaes", 7, 'c', 9, VAES), new("vpclmulqdq", 7, 'c', 10, VPCLMULQDQ), new("rdpid", 7, 'c', 22, RDPID), new("fsrm", 7, 'd', 4),

        new("xsaveopt", 0xd, 'a', 0, XSAVEOPT), new("xsavec", 0xd, 'a', 1, XSAVEC), new("xgetbv1", 0xd, 'a', 2),

        new("lahf_lm", 0x80000001, 'c', 0), new("cmp_legacy", 0x80000001, 'c', 1), new("lzcnt", 0x80000001, 'c', 5, LZCNT),
        new("3dnowprefetch", 0x80000001, 'c', 8, PREFETCHW), new("topoext", 0x80000001, 'c', 22),
        new("syscall", 0x80000001, 'd', 11, SYSCALL), new("nx", 0x80000001, 'd', 20), new("pdpe1gb", 0x80000001, 'd', 26), new("rdtscp", 0x80000001, 'd', 27, RDTSCP), new("lm", 0x80000001, 'd', 29, X64),
        // AMD's copies of leaf 1.
        .. new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 23, 24 }.Select(bit => new Feature("", 0x80000001, 'd', bit)),
    ];

    /// <summary>What every x86-64 CPU has, and hints that are nops where they do nothing.</summary>
    static readonly CpuidFeature[] always =
        [INTEL8086, INTEL186, INTEL286, INTEL386, INTEL486, X64, CpuidFeature.CPUID, MULTIBYTENOP, PAUSE, RDPMC, MSR, CLDEMOTE, PREFETCHWT1, PREFETCHITI, CET_IBT];

    static readonly HashSet<CpuidFeature> seen = [.. always, .. All.SelectMany(f => f.Iced)];

    /// <summary>Whether guests are told of everything that an encoding needs; executing another is #UD, as on a CPU without it.</summary>
    public static bool Has(Code c) => c.CpuidFeatures().All(seen.Contains);

    /// <summary>Whether an encoding belongs to AVX-512, which is never shown: its instructions need registers that the guest has not got.</summary>
    public static bool IsAvx512(Code c) => c.Encoding() is EncodingKind.EVEX or EncodingKind.MVEX || c.CpuidFeatures().Any(f => f.ToString().StartsWith("AVX512", StringComparison.Ordinal));

    /// <summary>The bits of a leaf that guests see: of the identification in leaves 1 and 0x80000001 (eax, ebx) all.</summary>
    public static uint Mask(uint leaf, char register) => leaf is 1 or 0x80000001 && register < 'c' ? ~0u : All.Where(f => f.Leaf == leaf && f.Register == register).Aggregate(0u, (all, f) => all | 1u << f.Bit);
}
