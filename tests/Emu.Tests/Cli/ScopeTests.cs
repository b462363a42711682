using System.Text.Json;
using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Cli;

/// <summary>What --only and --exclude leave of a program is what an unrestricted run counts there.</summary>
[Collection("libc")] // translated once for all
public sealed class ScopeTests
{
    const string Source = """
        #include <stdio.h>
        #include <stdlib.h>
        __attribute__((noinline)) int twice(int n) { return 2 * n; }
        __attribute__((noinline)) int work(int n) { int sum = 0; for (int i = 0; i < n; i++) sum += twice(i); return sum; }
        int main(void) {
            for (int i = 0; i < 10; i++) free(malloc(100 + i));
            return printf("%d\n", work(100)) != 5;
        }
        """;

    static readonly string folder = Repository.Work("scope");
    static readonly Lazy<string> program = new(() =>
    {
        string path = Path.Combine(folder, "program");
        File.WriteAllText(path + ".c", Source);
        Repository.Run("gcc", "-O1", "-o", path, path + ".c");
        return path;
    });

    static string Guest => program.Value;

    /// <summary>The instructions of each symbol.</summary>
    static Dictionary<string, long> Counts(string options, string guest, string arguments = "")
    {
        string report = Path.Combine(folder, $"{Guid.NewGuid()}.json");
        Repository.RunAny("/bin/bash", "-c", $"{Repository.Root}/emu run -p insns --json -r {report} {options} -- {guest} {arguments}");
        using var json = JsonDocument.Parse(File.ReadAllText(report));
        File.Delete(report);
        return json.RootElement.GetProperty("insns").GetProperty("symbols").EnumerateArray().ToDictionary(s => s.GetProperty("symbol").GetString()!, s => s.GetProperty("count").GetInt64());
    }

    [Fact]
    public void OneFunctionCountsWhatItsLineSays()
    {
        string guest = Path.Combine(Shell.Folder, "guest");
        var all = Counts("", guest, "echo some words");
        Assert.True(all.Count > 1);
        foreach (var (symbol, count) in all) Assert.Equal(new() { [symbol] = count }, Counts($"--only {symbol}", guest, "echo some words"));
        Assert.Equal(all, Counts("--only guest", guest, "echo some words"));
        Assert.Empty(Counts("--only guest --exclude guest", guest, "echo some words"));
        string most = all.MaxBy(s => s.Value).Key;
        Assert.Equal(all.Where(s => s.Key != most), Counts($"--exclude {most}", guest, "echo some words"));
    }

    [Fact]
    public void ARangeIsItsAddresses()
    {
        string tour = Path.Combine(folder, "tour");
        File.Copy(Repository.Run(Path.Combine(Repository.Root, "tests/guests/build"), "tour", "tiny").Trim(), tour, overwrite: true);
        var all = Counts("", tour);
        Assert.Equal(new() { ["_start"] = all["_start"] }, Counts("--only 0x401000-0x401022", tour));
        Assert.Equal(new() { ["_start"] = all["_start"] - 1 }, Counts("--only 0x401000-0x401022 --exclude 0x401000-0x401001", tour));
        Assert.Equal(new() { ["sum"] = all["sum"], ["_start"] = all["_start"] }, Counts("--only 0x401000-0x401022 --only sum", tour));
    }

    /// <summary>The program alone, ahead of time and met at run time; and functions of a library.</summary>
    [Fact]
    public void AModuleIsItsFile()
    {
        var all = Counts("--aot none", Guest);
        var own = all.Where(s => !s.Key.Contains('!') && s.Key[0] is not ('/' or '(')).ToDictionary();
        Assert.Equal(own, Counts("--only program", Guest));
        Assert.Equal(own, Counts($"--aot none --only {Guest}", Guest));
        Assert.Equal(own.Where(s => s.Key != "work"), Counts("--only program --exclude work", Guest));
        Assert.Equal(own.Where(s => s.Key != "work"), Counts("--aot none --only program --exclude work", Guest));
        Assert.Equal(all.Where(s => s.Key is "libc.so.6!malloc" or "libc.so.6!free"), Counts("--aot none --only malloc --only 'libc.so.6!free' --exclude 'ld-linux*!*'", Guest));
        Assert.All(Counts("--aot none --only libc.so.6", Guest).Keys, s => Assert.True(s.StartsWith("libc.so.6!", StringComparison.Ordinal) || s.Contains("/libc.so.6+0x", StringComparison.Ordinal)));
    }

    [Fact]
    public void WhatIsOutsideCostsNothing()
    {
        string Code(string options) => Shell.Run($"emu show guest -f say_number -s asm {options}").Out;
        Assert.Equal(Code(""), Code("-p insns -p memtrace --only say"));
        Assert.NotEqual(Code(""), Code("-p insns -p memtrace --only say*"));
    }

    [Fact]
    public void TheReportSaysIt()
    {
        var said = Shell.Run("emu build guest -p insns --only say --only cat --exclude 0x1-0x2 -o scoped && EMU_DATA=scoped.data ./scoped echo && emu report scoped.data && emu report scoped.data --json; rm -f scoped*");
        Assert.Contains("restricted to --only say --only cat --exclude 0x1-0x2\n[insns]\n", said.Out);
        using var json = JsonDocument.Parse(said.Out[said.Out.IndexOf('{')..]);
        Assert.Equal(["insns"], json.RootElement.EnumerateObject().Select(m => m.Name));
        var restricted = json.RootElement.GetProperty("insns").GetProperty("restricted");
        Assert.Equal(["say", "cat"], restricted.GetProperty("only").EnumerateArray().Select(t => t.GetString()));
        Assert.Equal(["0x1-0x2"], restricted.GetProperty("exclude").EnumerateArray().Select(t => t.GetString()));
    }
}
