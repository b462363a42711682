using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>The plugin calls: a program with a library of its own, whose calls are known, and what the native dynamic linker binds for it.</summary>
[Collection("libc")] // translated once for all
public sealed partial class CallTests
{
    const string Library = """
        #include <stdlib.h>
        int twice(int n) { return 2 * n; }
        int sum(int n) { int s = abs(-n); for (int i = 0; i < n; i++) s += twice(i); return s; }
        """;

    const string Program = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        int sum(int);
        char *copies[7];
        int main(int argc, char **argv) {
            for (int i = 0; i < 7; i++) copies[i] = strdup(argv[0]);
            for (int i = 0; i < 7; i++) free(copies[i]);
            setvbuf(stdout, 0, 2, 1234);
            return sum(5) + sum(argc) + (int)strlen("four") ? puts("done") < 0 : 1;
        }
        """;

    static readonly string folder = Repository.Work("calls");
    static readonly Lazy<string> built = new(() =>
    {
        File.WriteAllText(In("libsum.c"), Library);
        File.WriteAllText(In("program.c"), Program);
        Repository.Run("gcc", "-O1", "-fno-builtin", "-shared", "-fPIC", "-Wl,-z,lazy", "-o", In("libsum.so"), In("libsum.c"));
        Repository.Run("gcc", "-O1", "-fno-builtin", "-Wl,-z,lazy", "-o", In("program"), In("program.c"), In("libsum.so"), "-Wl,-rpath,$ORIGIN");
        return In("program");
    });

    static string In(string name) => Path.Combine(folder, name);

    static string Run(string options, string name)
    {
        Repository.Run("/bin/bash", "-c", $"{Repository.Root}/emu run {options} -r {In(name)} -- {built.Value}");
        return File.ReadAllText(In(name));
    }

    static IEnumerable<(string File, string Function, int Count)> Calls(string options, string name)
    {
        using var json = JsonDocument.Parse(Run($"--json {options}", name));
        return [.. json.RootElement.GetProperty("calls").GetProperty("calls").EnumerateArray()
            .Select(c => (c.GetProperty("file").GetString()!, c.GetProperty("function").GetString()!, c.GetProperty("count").GetInt32()))];
    }

    /// <summary>twice is called through libsum's own PLT: another file could have defined it.</summary>
    static readonly (string, string, int)[] expected =
    [
        ("libsum.so", "__cxa_finalize", 1), ("libsum.so", "abs", 2), ("libsum.so", "twice", 6),
        ("program", "__cxa_finalize", 1), ("program", "__libc_start_main", 1), ("program", "free", 7), ("program", "puts", 1),
        ("program", "setvbuf", 1), ("program", "strdup", 7), ("program", "strlen", 1), ("program", "sum", 2),
    ];

    [Theory]
    [InlineData("", "ahead")]
    [InlineData("--aot none", "met")]
    [InlineData("--aot none -p insns", "both")]
    public void EachIsCountedOnce(string options, string name) =>
        Assert.Equal(expected, Calls($"{options} -p calls --only program --only libsum.so", name).Order());

    /// <summary>With lazy binding the native linker binds a function when it is called first; what is bound at once has no PLT slot, or is for itself (malloc).</summary>
    [Fact]
    public void TheDynamicLinkerBindsTheSame()
    {
        var start = new ProcessStartInfo(built.Value) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["LD_DEBUG"] = "bindings";
        using var p = Process.Start(start)!;
        string said = p.StandardError.ReadToEnd();
        string[] atOnce = ["__cxa_finalize", "__libc_start_main", "__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "stdout", "calloc", "malloc", "realloc"];
        var bound = Binding().Matches(said).Select(m => (File: Path.GetFileName(m.Groups[1].Value), Function: m.Groups[2].Value))
            .Where(b => b.File is "program" or "libsum.so").Where(b => !atOnce.Contains(b.Function)).Distinct().Order();
        Assert.Equal(bound, Calls("--aot none -p calls --only program --only libsum.so", "bound").Where(c => !atOnce.Contains(c.Function)).Select(c => (c.File, c.Function)).Order());
    }

    [Fact]
    public void ATraceHasThemInOrder()
    {
        var lines = Run("--aot none -p calls,trace=on,args=1 --only program --only libsum.so", "trace").Split('\n');
        Assert.StartsWith("thread ", lines[2]);
        var names = lines.Where(l => l.Contains('(')).ToArray();
        Assert.Contains("program sum(5)\nlibsum.so abs(-5)\nlibsum.so twice(0)\nlibsum.so twice(1)\nlibsum.so twice(2)\nlibsum.so twice(3)\nlibsum.so twice(4)\nprogram sum(1)\n", string.Join('\n', names));
        Assert.Equal(expected.Sum(e => e.Item3), names.Length);
    }

    [Fact]
    public void DirectCallsCountBySymbol()
    {
        string tour = Repository.Run(Path.Combine(Repository.Root, "tests/guests/build"), "tour", "tiny").Trim(), report = In("direct");
        Repository.RunAny(Path.Combine(Repository.Root, "emu"), "run", "-p", "calls,direct=on", "-r", report, "--", tour);
        Assert.Equal($"[calls]\n           1 {Path.GetFileName(tour)} sum\n", File.ReadAllText(report));
        Repository.RunAny(Path.Combine(Repository.Root, "emu"), "run", "-p", "calls", "-r", report, "--", tour);
        Assert.Contains("direct=on", File.ReadAllText(report)); // a static program has no others
    }

    [GeneratedRegex(@"binding file (\S+) \[0\] to \S+ \[0\]: normal symbol `([^']+)'")]
    private static partial Regex Binding();
}
