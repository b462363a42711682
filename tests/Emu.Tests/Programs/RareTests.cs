using Xunit;

namespace Emu.Tests.Programs;

/// <summary>rare.c: what programs rarely ask of kernel and CPU, native against translated, ahead of time, at run time in both tiers, and with passes.</summary>
public class RareTests
{
    static readonly Lazy<string> plain = new(() => Made("rare", "noexecstack")), executableStack = new(() => Made("rare.stack", "execstack"));

    static string Made(string name, string stack)
    {
        var path = Path.Combine(Repository.Work("rare"), name);
        Repository.Run("musl-gcc", "-O1", "-static", "-w", $"-Wl,-z,{stack}", "-o", path, Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/rare.c"));
        return path;
    }

    [Theory]
    [InlineData("null")]
    [InlineData("stack")]
    [InlineData("implied")]
    [InlineData("exec-gain")]
    [InlineData("places")]
    [InlineData("vsyscall")]
    [InlineData("int80")]
    [InlineData("sent")]
    [InlineData("faults")]
    [InlineData("steps")]
    public void AsNatively(string what) => AreSame(plain.Value, what);

    /// <summary>PT_GNU_STACK with execute permission: nested functions of gcc.</summary>
    [Fact]
    public void CodeOnTheStack() => AreSame(executableStack.Value, "stack");

    /// <summary>Instructions that guests are told that the CPU has not got: the handler runs, as on a CPU without them.</summary>
    [Fact]
    public void HiddenInstructions()
    {
        foreach (var (runner, environment) in Modes(plain.Value))
            Assert.Equal((21, "signal 4 code 2 address pc error 0 trap 6\n", ""), Repository.RunAny("/usr/bin/env", [.. environment, runner, "hidden"]));
    }

    static void AreSame(string guest, string what)
    {
        var (status, output, _) = Repository.RunAny(guest, what);
        foreach (var (runner, environment) in Modes(guest))
        {
            var (translated, said, _) = Repository.RunAny("/usr/bin/env", [.. environment, runner, what]);
            Assert.Equal((status, output), (translated, said));
        }
    }

    static IEnumerable<(string Runner, string[] Environment)> Modes(string guest) =>
    [
        (Runners.Build(guest, []), []), (Runners.Build(guest, [], aot: "none"), ["EMU_TIER=1"]), (Runners.Build(guest, [], aot: "none"), ["EMU_TIER=2"]),
        (Runners.Build(guest, ["insns", "blocks"]), ["EMU_DATA=/dev/null"]), (Runners.Build(guest, ["memtrace,file=/dev/null"], aot: "none"), ["EMU_DATA=/dev/null"]),
    ];
}
