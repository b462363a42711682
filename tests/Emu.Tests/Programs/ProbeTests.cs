using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Probes may call the whole C library, in any thread; and where they fault, they are named, not the guest.</summary>
public sealed class ProbeTests
{
    static readonly string folder = Repository.Work("probes");
    static readonly Lazy<string> guest = new(() =>
    {
        string path = Path.Combine(folder, "probed");
        Repository.Run("musl-gcc", "-O1", "-static", "-o", path, Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/probed.c"));
        return path;
    });

    /// <summary>The program is translated before: emu says something of that where it takes long.</summary>
    static Said Run(string pass, string options, string arguments, string before = "")
    {
        string plugin = Path.Combine(Repository.Root, "tests/oracle", pass);
        var built = Shell.Run($"emu runner {options} -p {plugin} -- {guest.Value}");
        Assert.True(built.Code == 0, built.Error);
        return Shell.Run($"cd '{folder}'; ulimit -c 0; {before} emu run -r /dev/null {options} -p {plugin} -- {guest.Value} {arguments} & wait $!");
    }

    /// <summary>Four threads with 500 calls each, three more of the first one; ten of a child of it, before it executes another program.</summary>
    [Theory]
    [InlineData("--aot all", "")]
    [InlineData("--aot none", "EMU_TIER=1")]
    [InlineData("--aot none", "EMU_TIER=2")]
    public void The_C_library_works_in_threads(string aot, string tier)
    {
        string log = $"log{aot[6..]}{tier[^Math.Min(1, tier.Length)..]}";
        var said = Run("libc", aot, "", $"rm -f {log}.*; {tier} LIBC_LOG={log}");
        Assert.Equal(new(0, "", ""), said);
        string[] files = Directory.GetFiles(folder, log + ".*");
        Assert.Equal(2, files.Length);
        var lines = files.SelectMany(File.ReadAllLines).Select(l => l.Split(' ')).ToArray();
        Assert.All(lines, l => Assert.Equal(("whole", 3), (l[^1], l.Length)));
        Assert.Equal(4 * 500 + 3 + 10, lines.Length);
        var threads = lines.GroupBy(l => l[0]).ToDictionary(g => g.Key, g => g.Select(l => int.Parse(l[1])).ToArray());
        Assert.Equal(6, threads.Count);
        Assert.All(threads.Values, calls => Assert.Equal(Enumerable.Range(1, calls.Length), calls));
    }

    /// <summary>The guest has handlers for both signals: they are not for faults that it has not made.</summary>
    [Theory]
    [InlineData("inlined", 139, @"SIGSEGV in the probe libc_inlined of plugin libc, libc\.c:51, address 0x10")]
    [InlineData("called", 139, @"SIGSEGV in the probe libc_called of plugin libc, libc\.c:55, address 0x10")]
    [InlineData("library", 139, "SIGSEGV in the probe libc_library of plugin libc, address 0x10, host PC 0x[0-9a-f]+")]
    [InlineData("divide", 136, @"SIGFPE in the probe libc_divide of plugin libc, libc\.c:68, address 0x[0-9a-f]+")]
    public void A_probe_that_faults_is_named(string act, int code, string line)
    {
        foreach (string options in (string[])["--aot all", "--aot none"])
        {
            var said = Run($"libc,act={act}", options, "probe");
            Assert.Equal(code, said.Code);
            Assert.Matches($"^emu: {line}$", Assert.Single(said.Error.Split('\n'), l => l.StartsWith("emu: ", StringComparison.Ordinal)));
        }
    }

    /// <summary>However the process ends (but by SIGKILL), passes are told of the end of each of its threads, once.</summary>
    [Theory]
    [InlineData("abort", 134, 5)]
    [InlineData("thread", 134, 6)]
    [InlineData("fault", 139, 5)]
    [InlineData("trap", 132, 5)]
    [InlineData("15", 143, 5)]
    [InlineData("11", 139, 5)]
    [InlineData("34", 162, 5)]
    [InlineData("17", 1, 5)] // SIGCHLD, which is ignored
    public void Threads_end_where_a_signal_ends_them(string end, int code, int threads)
    {
        foreach (string aot in (string[])["all", "none"])
        {
            var said = Run("lives", $"--aot {aot}", end, $"EMU_DATA={end}.{aot}.data");
            Assert.Equal(code, said.Code);
            string[] lines = Shell.Run($"cd '{folder}'; emu report {end}.{aot}.data").Out.Split('\n');
            string[] Threads(string what) => [.. lines.Where(l => l.StartsWith(what, StringComparison.Ordinal)).Select(l => l.Split(' ')[1]).Order()];
            Assert.Equal(threads, Threads("ThreadStart").Length);
            Assert.Equal(Threads("ThreadStart"), Threads("ThreadExit"));
        }
    }
}
