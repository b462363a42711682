using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Cli;

/// <summary>What others may have written is not executed (SECURITY.md).</summary>
public sealed class TrustTests
{
    const string Nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups";

    [Theory]
    [InlineData("mkdir trust; chmod 777 trust", "trust", "others may write to {0}/trust")]
    [InlineData("mkdir trust; chown nobody trust", "trust", "{0}/trust belongs to another user")]
    [InlineData("mkdir -p trust/in; chmod 777 trust", "trust/in", "others may write to {0}/trust")]
    [InlineData("mkdir -p trust/in; chown nobody trust", "trust/in", "{0}/trust belongs to another user")]
    [InlineData("mkdir -p trust/in; chmod 777 trust/in; ln -s trust/in trust-link", "trust-link", "others may write to {0}/trust/in")]
    public void ACacheOfOthersIsNotUsed(string make, string cache, string doubt)
    {
        Shell.Run($"rm -rf trust trust-link; {make}");
        for (int n = 0; n < 2; n++)
        {
            var said = Shell.Run($"EMU_CACHE=$PWD/{cache} emu run -- ./guest echo");
            Assert.Equal((0, "./guest\necho\n"), (said.Code, said.Out));
            Assert.Matches($"^emu: the cache is /(var/)?tmp/emu-0; .*/{cache} is not used: {string.Format(doubt, Shell.Folder)}\n$", said.Error);
            Assert.False(Directory.Exists(Path.Combine(Shell.Folder, cache, "objects")));
        }
    }

    [Fact]
    public void ACacheThatCannotBeIsNotUsed() =>
        Assert.Matches("^emu: the cache is .*; /proc/x is not used: it cannot be written\n$", Shell.Run("EMU_CACHE=/proc/x emu run -- ./guest echo").Error);

    /// <summary>In a sticky folder, such as /tmp, others may make files, but not replace ours.</summary>
    [Fact]
    public void AStickyFolderIsNoDanger() =>
        Assert.Equal(new(0, "./guest\necho\n", ""), Shell.Run("rm -rf sticky; mkdir -m 1777 sticky; EMU_CACHE=$PWD/sticky/own emu run -O0 -- ./guest echo"));

    /// <summary>An answer for the launcher that somebody else planted: a runner of theirs.</summary>
    [Fact]
    public void APlantedAnswerIsNotExecuted()
    {
        Shell.Run("rm -rf planted; sleep 2; EMU_CACHE=$PWD/planted emu run -- ./guest echo");
        string runner = Directory.GetFiles(Path.Combine(Shell.Folder, "planted/runners"), "guest", SearchOption.AllDirectories).Single();
        File.WriteAllText(runner, "#!/bin/sh\necho planted\n");
        Assert.Equal("planted\n", Shell.Run("EMU_CACHE=$PWD/planted emu run -- ./guest echo").Out); // as long as it is the user's own
        Assert.Equal("./guest\necho\n", Shell.Run("chmod o+w planted; EMU_CACHE=$PWD/planted emu run -- ./guest echo").Out);
    }

    [Fact]
    public void AFallbackTranslatorOfOthersIsNotStarted()
    {
        var said = Shell.Run("rm -rf theirs; mkdir theirs; cp guest theirs/fallback; chmod 777 theirs; emu build --aot none guest -o none.emu && EMU_FALLBACK=$PWD/theirs/fallback ./none.emu echo");
        Assert.Equal(70, said.Code);
        Assert.Matches("^emu: the fallback translator is not started: .*/theirs/fallback: others may change it \\(SECURITY.md\\)\n$", said.Error);
        Assert.Equal("./none.emu\necho\n", Shell.Run("./none.emu echo").Out);
    }

    [Fact]
    public void AnotherUserHasACacheOfTheirOwn()
    {
        var said = Shell.Run($"rm -rf home; mkdir home; chown nobody home; {Nobody} env -u EMU_CACHE HOME=$PWD/home PATH=$PATH emu run -- ./guest echo; ls -A home/.cache");
        Assert.Equal(new(0, "./guest\necho\nemu\n", ""), said);
    }

    /// <summary>A data file names the passes that made it. One that others may have written is not loaded.</summary>
    [Fact]
    public void ADataFileLoadsNoPassOfOthers()
    {
        string probe = Path.Combine(Repository.Root, "instrumentation-passes/Emu.Plugins/probe");
        Assert.Equal(0, Shell.Run($"rm -rf pass; cp -r {probe} pass; emu run -p ./pass -d pass.data -r /dev/null -- ./guest echo && emu report pass.data").Code);
        var said = Shell.Run("chmod 777 pass; emu report pass.data");
        Assert.Equal(1, said.Code);
        Assert.Matches("^emu: pass.data: the plugin that it names, .*/pass, is not loaded: others may write to .*/pass\n$", said.Error);
    }
}
