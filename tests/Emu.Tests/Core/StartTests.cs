using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Core;

/// <summary>What a guest is given and what the kernel answers, against the same guest run natively.</summary>
public sealed class StartTests
{
    /// <summary>Native and translated called by the same name.</summary>
    static void Same(string before, string words, string after = "")
    {
        var native = Actor.Run($"{before} unset EMU_CACHE; exec -a '{Actor.Folder}/native/guest' native/guest {words} {after}");
        foreach (string runner in (string[])["plain", "plugin"])
            Assert.Equal(native, Actor.Run($"{before} export EMU_DATA=/dev/null EMU_OTHER=1; exec -a '{Actor.Folder}/native/guest' ./{runner} {words} {after}"));
    }

    [Theory]
    [InlineData("image")]
    [InlineData("memory")]
    [InlineData("files")]
    [InlineData("tls")]
    [InlineData("children")]
    [InlineData("actions")]
    [InlineData("nothing")]
    public void AsNatively(string act) => Same("", act);

    [Fact]
    public void ArgumentsEnvironmentAndAuxiliaryVector()
    {
        const string words = "stack '' 'two words' $'\\xff'";
        string native = Actor.Run($"env -i A=1 B= '{Actor.Folder}/native/guest' {words} | od -c").Out;
        // EXECFN is the file that the guest was made from; EMU_ variables are hidden.
        Assert.Equal(native, Actor.Run($"env -i EMU_X=1 A=1 EMU_DATA=/nowhere B= EMU_Y= ./plain {words} | od -c").Out);
    }

    /// <summary>As much as the kernel takes: 6 MiB (fs/exec.c: bprm_stack_limits).</summary>
    [Theory]
    [InlineData(65536)]
    [InlineData("unlimited")]
    public void ManyMegabytesOfArguments(object limit) => Same(
        $"ulimit -s {limit}; printf -v x '%131000s'; w=(); for n in {{1..20}}; do w+=(\"$x\"); done; for n in {{1..30000}}; do w+=(y); done; for n in {{1..5000}}; do export GUEST_$n=value; done;",
        "count \"${w[@]}\"");

    [Fact]
    public void ClosedDescriptors()
    {
        Same("", "nothing", "<&- >&- 2>&-");
        Same("", "files", "<&-");
    }

    [Fact]
    public void LittleMemory() => Assert.Equal(42, Actor.Run("ulimit -v 100000; ./plain").Code);

    [Fact]
    public void TheRunnersMemoryIsNotTheGuests() =>
        Assert.Equal(new(42, "over -12\nunmap 0\nmprotect -12\n", "emu: the guest wants memory at 0x60000000, where the runner is: refused\n"), Actor.Run("./plain runner"));

    /// <summary>A generous bound: what must not happen is that start-up depends on the size of things.</summary>
    [Fact]
    public void StartsAtOnce()
    {
        var time = System.Diagnostics.Stopwatch.StartNew();
        Actor.Run("for n in {1..20}; do ./plain; done");
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 20);
    }
}
