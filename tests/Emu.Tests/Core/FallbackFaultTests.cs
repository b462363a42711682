using Xunit;

namespace Emu.Tests.Core;

/// <summary>A fallback translator that is not there, or does not do what it must: one line and exit code 70, never a hang.</summary>
public sealed class FallbackFaultTests
{
    /// <summary>Shell scripts in its place: descriptor 3 is the runner's socket.</summary>
    [Theory]
    [InlineData("exit 0", "has ended")]
    [InlineData("exit 3", "has ended: exit code 3")]
    [InlineData("head -c 1 <&3 >/dev/null; kill -9 $$", "has ended: signal 9 (Killed)")]
    [InlineData("exec sleep 30", "does not answer")]
    [InlineData("printf nonsense >&3; exec sleep 30", "talks nonsense")]
    [InlineData("head -c 1000000 /dev/zero >&3; exec sleep 30", "talks nonsense")]
    public void Says(string script, string why)
    {
        string program = Path.Combine(Actor.Folder, $"fallback.{script.Length}");
        File.WriteAllText(program, $"#!/bin/bash\n{script}\n");
        Programs.Repository.Run("chmod", "+x", program);
        foreach (string runner in (string[])["./plain", "EMU_DATA=/dev/null ./plugin"])
        {
            var said = Actor.Run($"EMU_FALLBACK_SECONDS=2 EMU_FALLBACK={program} {runner} untranslated 1");
            Assert.Equal((70, "", $"emu: the fallback translator {why}\n"), (said.Code, said.Out, said.Error));
        }
    }

    [Fact]
    public void IsMissing()
    {
        var said = Actor.Run("EMU_FALLBACK=/nowhere/x ./plain untranslated 1");
        Assert.Equal((70, "emu: the fallback translator is missing: /nowhere/x: No such file or directory (EMU_FALLBACK names another)\n"), (said.Code, said.Error));
    }

    /// <summary>What it wrote last is said, and all of it kept.</summary>
    [Fact]
    public void SaysWhyItDies()
    {
        string program = Path.Combine(Actor.Folder, "fallback.dies"), reports = Path.Combine(Actor.Folder, "reports");
        File.WriteAllText(program, "#!/bin/bash\nhead -c 1 <&3 >/dev/null\nprintf 'some words\\nLLVM ERROR: out of memory\\n   at a frame\\n' >&2; kill -ABRT $$\n");
        Programs.Repository.Run("chmod", "+x", program);
        Directory.CreateDirectory(reports);
        var said = Actor.Run($"TMPDIR={reports} EMU_FALLBACK={program} ./plain untranslated 1");
        var line = System.Text.RegularExpressions.Regex.Match(said.Error, @"^emu: the fallback translator has ended: signal 6 \(Aborted\): LLVM ERROR: out of memory \((\S+) says more\)\n$");
        Assert.True(line.Success, said.Error);
        Assert.Equal(70, said.Code);
        Assert.StartsWith(reports, line.Groups[1].Value);
        Assert.Contains("guest", File.ReadAllText(line.Groups[1].Value));
        Assert.EndsWith("some words\nLLVM ERROR: out of memory\n   at a frame\n", File.ReadAllText(line.Groups[1].Value));
        Directory.Delete(reports, recursive: true);
    }

    /// <summary>The guest's limits are not its own, as far as it may raise them.</summary>
    [Fact]
    public void HasLimitsOfItsOwn()
    {
        var said = Actor.Run("ulimit -S -v 900000; EMU_TIER=2 ./plain untranslated 1");
        Assert.Equal((42, ""), (said.Code, said.Error));
    }
}
