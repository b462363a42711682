using System.Text.RegularExpressions;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>A runner built with --bundle, on a machine where neither emu nor LLVM's libraries nor a compiler are where they were.</summary>
public sealed partial class BundleTests
{
    [Fact]
    public void Needs_nothing_else()
    {
        string guest = Repository.Run(Path.Combine(Repository.Root, "tests/guests/build"), "calc", "musl-O2-static").Trim();
        string built = Repository.Work("bundle", "built"), moved = Path.Combine(Repository.Work("bundle"), "moved"), home = Repository.Work("bundle", "home");
        Repository.Run("/bin/busybox", "rm", "-rf", moved, home);
        Repository.Run(Path.Combine(Repository.Root, "emu"), "build", "--no-profile", "--aot", "none", "--bundle", "-p", "insns", "-p", "probe", guest, "-o", $"{built}/calc");
        HideInstalled($"{built}/calc");
        Directory.Move(built, moved);
        string trace = Path.Combine(home, "trace");
        Directory.CreateDirectory(home);
        foreach (string tier in (string[])["1", "2"])
        {
            var said = Repository.RunAny("/usr/bin/strace", "-f", "-e", "trace=openat,execve", "-o", trace, "/usr/bin/env", "-i", "PATH=/nowhere", $"HOME={home}", $"EMU_TIER={tier}", "EMU_DATA=/dev/null", $"{moved}/calc", "2*(3+4)");
            Assert.Equal((0, Repository.Run(guest, "2*(3+4)"), ""), said);
            string[] system = ["ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libc.so"]; // the last one is a text, which .NET tries
            var opened = Opened().Matches(File.ReadAllText(trace)).Select(m => m.Groups[1].Value).ToList();
            Assert.All(opened.Where(f => f.Contains(".so") && !f.StartsWith("/etc/")), f => Assert.True(f.StartsWith(moved + "/") || system.Contains(Path.GetFileName(f)), f));
            if (tier == "2") Assert.Contains($"{moved}/emu-fallback/libLLVM.so.19.1", opened);
        }
    }

    /// <summary>The path that emu wrote into the runner leads nowhere.</summary>
    static void HideInstalled(string runner)
    {
        var bytes = File.ReadAllBytes(runner);
        var path = System.Text.Encoding.ASCII.GetBytes($"{Repository.Root}/.build/emu-");
        for (int at; (at = bytes.AsSpan().IndexOf(path)) >= 0;) bytes[at + 1] ^= 1; // the lines of probes name files there, too
        File.WriteAllBytes(runner, bytes);
    }

    [GeneratedRegex("""(?:openat\(AT_FDCWD, |execve\()"([^"]+)".* = [0-9]""")]
    private static partial Regex Opened();

    /// <summary>A pass of the user's own needs .NET.</summary>
    [Fact]
    public void Not_with_own_passes()
    {
        string pass = Path.Combine(Repository.Root, "instrumentation-passes/Emu.Plugins/probe");
        var (status, _, errors) = Repository.RunAny(Path.Combine(Repository.Root, "emu"), "build", "--bundle", "-p", pass, "/bin/busybox", "-o", Path.Combine(Repository.Work("bundle"), "none"));
        Assert.Equal((1, $"emu: --bundle: {pass}: a pass of your own runs on .NET, which cannot be bundled\n"), (status, errors));
    }
}
