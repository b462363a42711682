using System.Runtime.Intrinsics.X86;
using Emu.Cli.Running;
using Emu.Translator.Linking;
using Emu.Translator.X86;

namespace Emu.Cli.Verbs;

/// <summary>emu doctor: what is installed, and the CPU that guests see.</summary>
static class DoctorVerb
{
    static bool well;

    public static int Run()
    {
        well = true;
        Say("emu", Version.Text);
        Say(".NET", Environment.Version.ToString());
        Say("LLVM", First("/usr/lib/x86_64-linux-gnu/libLLVM.so.19.1", "install libllvm19"));
        Say("clang", Tell("clang-19"));
        Say("lld", Tell("ld.lld-19"));
        Say("libc.a", First($"{HostLibc.Libraries}/libc.a", "install musl-dev"));
        Say("libgcc.a", Directory.Exists("/usr/lib/gcc/x86_64-linux-gnu") ? Directory.GetFiles("/usr/lib/gcc/x86_64-linux-gnu", "libgcc.a", SearchOption.AllDirectories).FirstOrDefault() ?? Lacks("install gcc") : Lacks("install gcc"));
        Say("core", RuntimeCore.Find() ?? Lacks("./emu builds it"));
        Say("cache", CacheVerb.Describe());
        Say("CPU", Brand());
        Say("host level", Avx2.IsSupported && Bmi2.IsSupported && Fma.IsSupported ? "x86-64-v3 or higher" : Lacks("translated code needs AVX2, BMI2, FMA: x86-64-v3"));
        var (seen, hidden) = Flags();
        Say("guests see", string.Join(' ', seen));
        Say("hidden", string.Join(' ', hidden) is { Length: > 0 } names ? names : "nothing");
        Say("AVX-512", Avx512F.IsSupported ? "this CPU has it; guests do not see it" : "this CPU does not have it");
        return well ? 0 : CommandLine.Failed;
    }

    static void Say(string what, string value) => Console.Out.WriteLine($"{what,-12} {value}");

    static string Lacks(string cure)
    {
        well = false;
        return $"MISSING: {cure} (see toolchain.md)";
    }

    static string First(string path, string cure) => File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : Lacks(cure);

    static string Tell(string program)
    {
        try { return Tool.Run(program, "--version").Split('\n')[0]; }
        catch (ToolException) { return Lacks($"install {program.Replace("ld.", "", StringComparison.Ordinal)}"); }
    }

    /// <summary>Extensions that add instructions and are never shown (/proc/cpuinfo's names, or how they begin).</summary>
    static readonly string[] unknown = ["avx512", "amx", "avx_", "sse4a", "xop", "fma4", "tbm", "3dnow", "clzero", "mwaitx", "monitor", "rdpru", "pku", "waitpkg", "rtm", "hle", "movdir", "serialize", "sha512", "sm3", "sm4", "enqcmd", "user_shstk"];

    /// <summary>The CPU's extensions: those that guests are told of, and those that they are not.</summary>
    static (IEnumerable<string> Seen, IEnumerable<string> Hidden) Flags()
    {
        var host = File.ReadLines("/proc/cpuinfo").First(l => l.StartsWith("flags", StringComparison.Ordinal)).Split(' ').Skip(1).ToArray();
        var told = Features.All.Where(f => f.Iced.Length > 0 && HostCpu.Has(f)).Select(f => f.Name).ToArray();
        return (told, host.Where(f => unknown.Any(u => f.StartsWith(u, StringComparison.Ordinal)) && !told.Contains(f)));
    }

    static string Brand()
    {
        var text = new byte[48];
        for (int leaf = 0; leaf < 3; leaf++)
        {
            var (a, b, c, d) = X86Base.CpuId(unchecked((int)0x80000002) + leaf, 0);
            System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>([a, b, c, d]).CopyTo(text.AsSpan(16 * leaf));
        }
        return System.Text.Encoding.ASCII.GetString(text).TrimEnd('\0', ' ');
    }
}
