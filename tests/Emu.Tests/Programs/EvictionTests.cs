using System.Diagnostics;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>A code cache that is too small for what a guest generates (much.c) is emptied again and again, whatever its threads and relatives are doing.</summary>
public class EvictionTests
{
    static readonly Lazy<string> guest = new(() =>
    {
        var path = Path.Combine(Repository.Work("eviction"), "much");
        Repository.Run("musl-gcc", "-O2", "-static", "-w", "-o", path, Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/much.c"));
        return path;
    });

    [Theory]
    [InlineData("again", "all")]
    [InlineData("again", "none", "EMU_TIER=1")]
    [InlineData("deep", "all")]
    [InlineData("deep", "none")]
    [InlineData("threads", "all")]
    [InlineData("threads", "none")]
    [InlineData("forks", "all")]
    [InlineData("forks", "none")]
    [InlineData("handlers", "all")]
    [InlineData("handlers", "none")]
    [InlineData("leaps", "all")]
    [InlineData("leaps", "none")]
    public void As_natively(string what, string aot, params string[] tier) => Compare(what, aot, tier);

    /// <summary>LLVM takes milliseconds for each region.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData("again")]
    [InlineData("threads")]
    [InlineData("leaps")]
    public void With_the_second_tier_alone(string what) => Compare(what, "none", ["EMU_TIER=2"]);

    static void Compare(string what, string aot, string[] tier)
    {
        var runner = Runners.Build(guest.Value, Runners.NoPlugins, aot: aot);
        var (status, output, errors) = Repository.RunAny("/usr/bin/env", [.. tier, "EMU_STATS=1", "EMU_FALLBACK_KIB=512", runner, what]);
        Assert.Equal((0, Repository.Run(guest.Value, what)), (status, output));
        Assert.Matches("^emu: statistics: the code cache was emptied [1-9][0-9]* times\n", errors);
    }

    /// <summary>Counts of code that is translated again and again are added up.</summary>
    [Fact]
    public void Counts_are_kept()
    {
        long Counted(string environment)
        {
            string report = Path.Combine(Repository.Work("eviction"), "report");
            Repository.Run("/usr/bin/env", environment, Path.Combine(Repository.Root, "emu"), "run", "-p", "insns", "--aot", "none", "--json", "-r", report, "--", guest.Value, "again");
            using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllText(report));
            return json.RootElement.GetProperty("insns").GetProperty("total").GetInt64();
        }
        Assert.Equal(Counted("EMU_A=1"), Counted("EMU_FALLBACK_KIB=512"));
    }

    /// <summary>A service that is killed is replaced.</summary>
    [Theory]
    [InlineData("all")]
    [InlineData("none")]
    public void Killed(string aot)
    {
        var runner = Runners.Build(guest.Value, Runners.NoPlugins, aot: aot);
        var start = new ProcessStartInfo(runner, ["waiting"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string mark = start.Environment["TMPDIR"] = $"/tmp/{Guid.NewGuid()}"; // one of the variables that the service has, too
        using var process = Process.Start(start)!;
        var lines = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line);
            if (lines.Count > 2) process.StandardInput.Close();
            else
            {
                int service = Services(mark).Single();
                Repository.Run("kill", "-9", $"{service}");
                while (Directory.Exists($"/proc/{service}") && File.ReadAllText($"/proc/{service}/cmdline") != "") Thread.Sleep(1);
                process.StandardInput.WriteLine();
            }
        }
        process.WaitForExit();
        Assert.Equal((0, ""), (process.ExitCode, process.StandardError.ReadToEnd()));
        Assert.Equal(Repository.Run(guest.Value, "waiting"), string.Concat(lines.Select(l => l + "\n")));
    }

    static IEnumerable<int> Services(string mark)
    {
        foreach (string folder in Directory.GetDirectories("/proc").Where(f => int.TryParse(Path.GetFileName(f), out _)))
        {
            string found = "";
            try { if (File.ReadAllText($"{folder}/comm") == "emu-fallback\n") found = File.ReadAllText($"{folder}/environ"); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // it has ended
            if (found.Contains(mark)) yield return int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public void No_room_at_all()
    {
        var runner = Runners.Build(guest.Value, Runners.NoPlugins, aot: "none");
        foreach (int room in (int[])[8, 16])
            Assert.Equal((70, "", "emu: the fallback translator has no room for a region in an empty code cache\n"), Repository.RunAny("/usr/bin/env", $"EMU_FALLBACK_KIB={room}", runner, "again"));
    }
}
