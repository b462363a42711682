using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Handlers of faults see every register, and may change them, in every tier: contexts.c, native against translated.</summary>
public class FaultContextTests
{
    static readonly Lazy<string> guest = new(() =>
    {
        var path = Path.Combine(Repository.Work("contexts"), "contexts");
        Repository.Run("musl-gcc", "-O2", "-static", "-w", "-o", path, Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/contexts.c"));
        return path;
    });

    [Theory]
    [InlineData("all", "", "--exact-faults")]
    [InlineData("none", "EMU_TIER=1")]
    [InlineData("none", "EMU_TIER=2")]
    [InlineData("none", "")]
    public void As_natively(string aot, string tier, params string[] options)
    {
        var runner = Runners.Build(guest.Value, [], aot: aot, more: options);
        var native = Repository.Run(guest.Value);
        Assert.Equal(native.Split('\n'), Repository.Run("/usr/bin/env", [.. tier.Split(' ', StringSplitOptions.RemoveEmptyEntries), runner]).Split('\n'));
    }

    /// <summary>Otherwise the first handler that would change one says what to do.</summary>
    [Fact]
    public void Says_how()
    {
        var (status, _, errors) = Repository.RunAny(Runners.Build(guest.Value, []));
        Assert.Equal(128 + 11, status);
        Assert.Matches("^emu: the guest's handler for SIGSEGV at 0x[0-9a-f]+( \\(.*\\))? changed registers in its context: build the runner with --exact-faults\n$", errors);
    }
}
