using System.Text.Json;
using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Cli;

/// <summary>What reports call code, where they are kept, and what is said where there is nothing to say.</summary>
public sealed class ReportTests
{
    const string Main = """
        int a(int), b(int);
        __attribute__((noinline)) int area(int n) __asm__("_ZN6shapes6circle4areaEi");
        __attribute__((noinline)) int area(int n) { __asm__ volatile(""); return n * n; }
        __attribute__((noinline)) int crab(int n) __asm__("_RNvC7mycrate3foo");
        __attribute__((noinline)) int crab(int n) { __asm__ volatile(""); return n + n; }
        int main(void) { return a(1) + b(2) + area(3) + crab(4) == 0; }
        """;

    static readonly string folder = Repository.Work("reports");
    static readonly Lazy<string> program = new(() =>
    {
        string path = Path.Combine(folder, "names");
        File.WriteAllText(path + ".c", Main);
        foreach (string name in (string[])["a", "b"])
            File.WriteAllText(Path.Combine(folder, name + ".c"), $"__attribute__((noinline)) static int work(int n) {{ __asm__ volatile(\"\"); return n; }}\nint {name}(int n) {{ return work(n); }}\n");
        Repository.Run("musl-gcc", "-O1", "-static", "-o", path, path + ".c", Path.Combine(folder, "a.c"), Path.Combine(folder, "b.c"));
        Repository.Run("strip", "-o", path + ".stripped", path);
        return path;
    });

    static JsonElement Report(string plugin, string guest) =>
        JsonDocument.Parse(Shell.Run($"cd '{folder}'; emu run --aot none -p {plugin} --json -- {guest}").Out).RootElement.GetProperty(plugin.Split(',')[0]);

    static Dictionary<string, string> Symbols(JsonElement list) =>
        list.EnumerateArray().ToDictionary(s => s.GetProperty("symbol").GetString()!, s => s.TryGetProperty("mangled", out var m) ? m.GetString()! : "");

    [Fact]
    public void FunctionsHaveNamesForPeople()
    {
        var symbols = Symbols(Report("insns", program.Value).GetProperty("symbols"));
        Assert.Equal("_ZN6shapes6circle4areaEi", symbols["shapes::circle::area(int)"]);
        Assert.Equal("_RNvC7mycrate3foo", symbols["mycrate::foo"]);
        Assert.Equal(("", "", ""), (symbols["main"], symbols["work (a.c)"], symbols["work (b.c)"]));
        Assert.Contains(Symbols(Report("blocks", program.Value).GetProperty("blocks")), s => s.Value == "_RNvC7mycrate3foo");
        Assert.Matches(@" 1 names mycrate::foo\n", Shell.Run($"emu run --aot none -p calls,direct=on -- {program.Value}").Out);
    }

    /// <summary>Every function of a stripped program has a row of its own: the offset is that of objdump and addr2line.</summary>
    [Fact]
    public void StrippedCodeIsFileAndOffset()
    {
        string stripped = program.Value + ".stripped";
        var named = Report("insns", program.Value);
        var report = Report("insns", stripped);
        var rows = report.GetProperty("symbols").EnumerateArray().ToDictionary(s => s.GetProperty("symbol").GetString()!, s => s.GetProperty("count").GetInt64());
        Assert.Equal(report.GetProperty("total").GetInt64(), rows.Values.Sum());
        Assert.All(rows.Keys, name => Assert.StartsWith(stripped + "+0x", name));
        ulong main = Convert.ToUInt64(Repository.Run("/bin/sh", "-c", $"nm {program.Value} | grep ' main$'").Split(' ')[0], 16);
        long count = named.GetProperty("symbols").EnumerateArray().First(s => s.GetProperty("symbol").GetString() == "main").GetProperty("count").GetInt64();
        Assert.Equal(count, rows[$"{stripped}+0x{main:x}"]);
    }

    [Fact]
    public void NoCallsAreExplained()
    {
        Assert.Equal("[calls]\nno calls of library functions: the program is linked statically (direct=on: direct calls by symbol, too)\n", Shell.Run("emu run -p calls -- ./guest exit 0").Out);
        Assert.Matches(" guest say\n", Shell.Run("emu run -p calls,direct=on -- ./guest echo a").Out);
    }

    /// <summary>Jumps of the PLT have known targets; those by pointer in what gcc adds to each program have not.</summary>
    [Fact]
    public void ThePltIsNotMissing()
    {
        Repository.Run("/bin/sh", "-c", $"echo '#include <stdio.h>\nint main(void) {{ return puts(\"\") < 0; }}' | gcc -x c -O1 -Wl,-z,lazy -o {folder}/dynamic -");
        string said = Shell.Run($"emu show {folder}/dynamic --missing").Out;
        Assert.Matches("indirect jumps without known targets: \\d+", said);
        Assert.DoesNotMatch("jmp +(qword ptr )?\\[", said);
    }

    /// <summary>Names that the user gave are the user's; numbers are free ones.</summary>
    [Fact]
    public void DataFilesHaveNames()
    {
        var said = Shell.Run($"""
            mkdir -p named; cd named; rm -f *; cp ../guest .
            for n in 1 2; do emu run -p insns -r /dev/null -d '%b-%n' -- ./guest exit 0; done; echo *
            for n in 1 2; do emu run -p insns -r report -d '%p' -- ./guest pid >pid; ls $(cat pid) >/dev/null && grep -c instructions report; done
            for n in 1 2; do emu run -p insns -r /dev/null -d same -- ./guest exit 0; done; ls | grep -c same
            emu run -p insns -d %z -- ./guest exit 0
            """);
        Assert.Equal("guest guest-1 guest-2\n1\n1\n1\n", said.Out);
        Assert.Equal("emu: %z: there are %p (process), %b (guest), %t (time), %h (host), %n (a free number) and %%\n", said.Error);
    }

    [Fact]
    public void OnATerminalALineIsBetween()
    {
        Assert.DoesNotContain("----", Shell.Run("emu run -p insns -- ./guest echo").Out);
        Assert.Matches("echo\r\n---- report ----\r\n(.*\r\n)*\\[insns\\]", Shell.Run("script -qec 'emu run -p insns -- ./guest echo' /dev/null").Out);
        Assert.DoesNotContain("----", Shell.Run("script -qec 'emu run -p insns -r /dev/null -- ./guest echo' /dev/null").Out);
    }
}
