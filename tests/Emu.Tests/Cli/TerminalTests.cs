using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Cli;

/// <summary>emu in a person's hands: every verb on a terminal, from an empty cache, interrupted, stopped and resized.</summary>
public sealed class TerminalTests
{
    static readonly string[] verbs =
    [
        "emu run -- ./guest echo", "emu run -p blocks -- ./guest echo", "emu build guest -o on-terminal", "emu verify guest -- echo", "emu show guest -f begin -s asm",
        "emu show guest --missing", "emu plugins", "emu doctor", "emu cache", "emu run --help",
    ];

    /// <summary>Both ends of it, standard input only, output only, error only.</summary>
    [Theory]
    [InlineData("both", "")]
    [InlineData("input", ">out 2>&1")]
    [InlineData("output", "</dev/null 2>err")]
    [InlineData("error", "</dev/null >out")]
    public void EveryVerbEnds(string which, string redirection)
    {
        using var terminal = new Terminal($"cache-terminal-{which}");
        terminal.Run($"stty -a >before-{which}");
        foreach (string verb in verbs) Assert.Equal("0=end", terminal.Run($"{verb} {redirection}"));
        Assert.Equal("0=end", terminal.Run($"stty -a | diff before-{which} -"));
        Assert.DoesNotContain("\x1b[?1h", terminal.Screen); // .NET's set-up of the keypad
    }

    [Fact]
    public void APassOfOnesOwnIsCompiled()
    {
        using var terminal = new Terminal("cache-terminal-pass");
        Assert.Equal("0=end", terminal.Run($"emu run -p {Path.Combine(Repository.Root, "instrumentation-passes/Emu.Plugins/probe")} -- ./guest echo", seconds: 240));
    }

    /// <summary>Ctrl-C ends a translation, and nothing is left of it; Ctrl-Z stops it, and it goes on, whatever the size of the window is then.</summary>
    [Fact]
    public void TranslationsAreInterruptedAndStopped()
    {
        const string cache = "cache-terminal-keys", build = "emu build /bin/busybox -o interrupted";
        using var terminal = new Terminal(cache);
        terminal.Type(build);
        terminal.WaitFor("translating 1/", 120);
        terminal.Press("\x1a");
        terminal.WaitFor("Stopped");
        Assert.Equal("0=end", terminal.Run("stty rows 20 cols 60; ls $EMU_CACHE/work/*.lock >/dev/null"));
        terminal.Type("fg");
        terminal.WaitFor("translating \\d", 120);
        terminal.Press("\x03");
        Assert.Equal("130=end", terminal.Run(""));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Shell.Folder, cache, "work")));
        Assert.Empty(Directory.GetFiles(Shell.Folder, "interrupted*"));
    }

    /// <summary>What an emu that was killed left in the cache is removed by the next one, but not what another one is using.</summary>
    [Fact]
    public void AKilledTranslationLeavesNothingForLong()
    {
        const string cache = "EMU_CACHE=$PWD/cache-killed";
        string work = Path.Combine(Shell.Folder, "cache-killed", "work");
        Shell.Run($"rm -rf cache-killed; {cache} emu build /bin/busybox -o killed & until ls cache-killed/work/*.lock >/dev/null 2>&1; do sleep 0.1; done; sleep 1; kill -9 $!");
        Assert.NotEmpty(Directory.GetFileSystemEntries(work));
        Assert.Equal(0, Shell.Run($"{cache} emu build guest -o killed.emu").Code);
        Assert.Empty(Directory.GetFileSystemEntries(work));
        Assert.Empty(Directory.GetFiles(Shell.Folder, "killed.[0-9]*"));
    }

    [Fact]
    public void TheGuestHasTheTerminal()
    {
        using var terminal = new Terminal("cache-terminal-guest");
        Assert.Equal("0=end", terminal.Run("emu build -p insns guest -o /dev/null 2>&1 | grep -q 'not a regular file'"));
        terminal.Type("emu run -p insns -r insns.txt -- ./guest wait");
        terminal.WaitFor("\\d+\r", 120); // it said its process number, and reads
        terminal.Press("\x1a");
        terminal.WaitFor("Stopped");
        terminal.WaitFor("guest wait");
        terminal.Type("fg");
        terminal.WaitFor("guest wait");
        terminal.Type("typed");
        terminal.WaitFor("typed\r\ntyped");
        terminal.Press("\x03");
        Assert.Equal("130=end", terminal.Run(""));
        Assert.Contains("instructions", File.ReadAllText(Path.Combine(Shell.Folder, "insns.txt")));
    }
}
