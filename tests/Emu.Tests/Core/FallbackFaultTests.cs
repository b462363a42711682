using Xunit;

namespace Emu.Tests.Core;

/// <summary>A fallback translator that is not there, or does not do what it must: one line and exit code 70, never a hang.</summary>
public sealed class FallbackFaultTests
{
    /// <summary>Shell scripts in its place: descriptor 3 is the runner's socket.</summary>
    [Theory]
    [InlineData("exit 0", "has ended")]
    [InlineData("head -c 1 <&3 >/dev/null; kill -9 $$", "has ended")]
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

    /// <summary>LLVM cannot be loaded in so little memory.</summary>
    [Fact]
    public void HasNoMemory()
    {
        var said = Actor.Run("ulimit -v 900000; EMU_TIER=2 ./plain untranslated 1");
        Assert.Equal((70, "emu: the fallback translator has ended\n"), (said.Code, said.Error));
    }
}
