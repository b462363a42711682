using System.Text.Json;
using Xunit;

namespace Emu.Tests.Cli;

/// <summary>`emu run` is the guest, as far as anybody can tell.</summary>
public sealed class RunTests
{
    const string WithPlugin = "-p insns -r /dev/null";

    [Theory]
    [InlineData("")]
    [InlineData(WithPlugin)]
    public void EndsAsTheGuest(string options)
    {
        foreach (int code in (int[])[0, 7, 255]) Assert.Equal(code, Shell.Run($"emu run {options} -- ./guest exit {code}").Code);
        foreach (int signal in (int[])[1, 6, 9, 11, 13, 15, 34]) Assert.Equal(128 + signal, Shell.Run($"emu run {options} -- ./guest kill {signal}; exit $?").Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData(WithPlugin)]
    public void ReadsAndWrites(string options)
    {
        string text = string.Concat(Enumerable.Range(0, 3000).Select(n => $"line {n}\n"));
        Assert.Equal(new(0, text, ""), Shell.Run($"emu run {options} -- ./guest cat", text));
        Assert.Equal("141 0\n", Shell.Run($"emu run {options} -- ./guest flood | head -c 1 >/dev/null; echo ${{PIPESTATUS[*]}}").Out);
    }

    /// <summary>Ignored signals and limits go through a shell and .NET, which change both.</summary>
    [Theory]
    [InlineData("ulimit -Sn 123")]
    [InlineData("trap '' PIPE QUIT INT TERM USR1 CHLD")]
    public void StartsAsEmuWasStarted(string before)
    {
        string native = Shell.Run($"{before}; env -u EMU_CACHE ./guest state | grep -v ^_= | sort").Out;
        for (int n = 0; n < 2; n++) Assert.Equal(native, Shell.Run($"{before}; emu run -- ./guest state | grep -v ^_= | sort").Out);
        Assert.Equal(native, Shell.Run($"{before}; emu run {WithPlugin} -- ./guest state | grep -v ^_= | sort").Out);
    }

    /// <summary>Where the kernel puts the stack and libraries at random, string functions take other ways: ls executes some tens of instructions more or less.</summary>
    [Fact]
    public void CountsAreTheSameWithoutAslr()
    {
        const string asked = "-p insns --no-aslr --aot none", only = "| grep ' instructions$'";
        string[] Five(string command) => [.. Enumerable.Range(0, 5).Select(_ => Shell.Run(command).Out).Distinct()];
        Assert.Matches("^ +[0-9,]+ instructions\n$", Assert.Single(Five($"emu run {asked} -- /bin/ls / {only}")));
        Assert.Equal(0, Shell.Run($"emu build {asked} -o fixed /bin/ls").Code);
        Assert.Matches("^ +[0-9,]+ instructions\n$", Assert.Single(Five($"EMU_DATA=fixed.data ./fixed / >/dev/null && emu report fixed.data {only}")));
    }

    [Fact]
    public void ArgumentsAreBytes()
    {
        const string words = "echo '' -- --json -p $'\\xff\\xfe' $'two\\nlines' ' '";
        Assert.Equal(Shell.Run($"./guest {words} | od -c").Out, Shell.Run($"emu run -- ./guest {words} | od -c").Out);
        Assert.Equal("guest\necho\n", Shell.Run("PATH=$PWD:$PATH; emu run -- guest echo").Out);
    }

    [Fact]
    public void TheProcessIsTheGuest() => Assert.Matches("^(\\d+)\n\\1\n$", Shell.Run("emu run -- ./guest pid & echo $!; wait").Out);

    [Theory]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [InlineData("KILL")]
    public void WhoStopsEmuStopsTheGuest(string signal)
    {
        // The guest reads from a pipe that stays open. Field 4 of /proc/PID/stat is the parent: emu.
        string file = $"pid-{signal}";
        var said = Shell.Run($$"""
            mkfifo in-$$; exec 3<>in-$$; rm in-$$
            emu run {{WithPlugin}} -- ./guest pid >/dev/null
            emu run {{WithPlugin}} -- ./guest wait <&3 >{{file}} &
            until read -r guest <{{file}}; do sleep 0.05; done 2>/dev/null
            read -r _ _ _ parent _ </proc/$guest/stat
            kill -{{signal}} $parent
            for n in {1..200}; do kill -0 $guest 2>/dev/null || break; sleep 0.05; done
            kill -0 $guest 2>/dev/null && kill -9 $guest && echo alive
            wait; rm {{file}}
            """);
        Assert.Equal("", said.Out);
    }

    [Fact]
    public void TheReportComesLast()
    {
        var said = Shell.Run("emu run -p insns -p blocks -- ./guest echo");
        Assert.Matches("^\\./guest\necho\n\\[insns\\]\n +[\\d,]+ instructions\n(.*\n)*\\[blocks\\]\n", said.Out);
        Assert.Equal("", said.Error);
        Assert.Equal(1, Shell.Run("emu run -p insns -- ./guest exit 1 | grep -c instructions; exit ${PIPESTATUS[0]}").Code);
    }

    [Fact]
    public void ReportsAreForMachinesToo()
    {
        var said = Shell.Run("rm -f kept; emu run -p insns -p blocks --json -r report.json -d kept -- ./guest echo && cat report.json && emu report kept --json | cmp - report.json");
        Assert.Equal((0, ""), (said.Code, said.Error));
        var report = JsonDocument.Parse(said.Out["./guest\necho\n".Length..]).RootElement;
        Assert.Equal(["insns", "blocks"], report.EnumerateObject().Select(m => m.Name));
        Assert.InRange(report.GetProperty("insns").GetProperty("total").GetUInt64(), 10ul, 10000ul);
    }

    [Fact]
    public void NothingIsLeftBehind()
    {
        Shell.Run("export EMU_CACHE=$PWD/cache4; emu run -p insns -- ./guest echo; emu run -p insns -- ./guest kill 9; emu verify guest -- echo");
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Shell.Folder, "cache4", "work")));
        Assert.Empty(Directory.GetFiles(Shell.Folder, "*.emudata"));
    }

    /// <summary>A second run translates nothing: it neither needs nor makes objects.</summary>
    [Fact]
    public void TheSecondRunIsCached()
    {
        const string cached = "EMU_CACHE=$PWD/cache2";
        Shell.Run($"rm -rf cache2; sleep 2; {cached} emu run -O1 -- ./guest echo");
        string objects = Path.Combine(Shell.Folder, "cache2", "objects");
        Assert.NotEmpty(Directory.GetFiles(objects));
        Directory.Delete(objects, recursive: true);
        Assert.Equal("./guest\necho\n", Shell.Run($"{cached} emu run -O1 -- ./guest echo").Out);
        Assert.Equal("./guest\necho\n", Shell.Run($"rm -rf cache2/memo; {cached} emu run -O1 -- ./guest echo").Out);
        Assert.False(Directory.Exists(objects));
    }

    /// <summary>.NET is not even started (here it could not be), unless something that the runner depends on has changed.</summary>
    [Fact]
    public void WhatWasTranslatedStartsWithoutDotnet()
    {
        const string without = "DOTNET_ROOT=$PWD/none";
        Shell.Run("mkdir -p none; printf '#!/bin/sh\\nexit 77\\n' >none/dotnet; chmod +x none/dotnet; cp guest again; sleep 2; emu run -- ./again echo");
        Assert.Equal("./again\necho\n", Shell.Run($"{without} emu run -- ./again echo").Out);
        Assert.Equal("again\necho\n", Shell.Run($"PATH=$PWD:$PATH {without} emu run -- again echo").Out);
        string[] others = ["-O1 -- ./again", "-p insns -- ./again", "-- ./none", "-- again"];
        foreach (string other in others) Assert.Equal(77, Shell.Run($"{without} emu run {other}").Code);
        foreach (string changed in (string[])["LD_LIBRARY_PATH=/tmp", "EMU_CACHE=$PWD/cache5", "touch again;"]) Assert.Equal(77, Shell.Run($"{changed} {without} emu run -- ./again").Code);
    }

    [Fact]
    public void AnotherProgramOfTheSameNameIsNoticed()
    {
        var said = Shell.Run("cp guest changed; emu run -- ./changed echo; cp /bin/true changed 2>/dev/null; printf x >changed; emu run -- ./changed echo");
        Assert.Equal("./changed\necho\n", said.Out);
        Assert.Contains("not an ELF file", said.Error);
    }
}
