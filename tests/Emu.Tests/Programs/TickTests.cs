using Xunit;

namespace Emu.Tests.Programs;

/// <summary>
/// Each freestanding kernel of the benchmarks with a timer at 1 kHz (tests/benchmarks/crt.h, TICKS): its handler checks its stack, the registers
/// in its context, and leaves none as it was. The kernel's result must be the native one, and nothing wrong.
/// </summary>
public class TickTests
{
    [Theory]
    [InlineData("fib")]
    [InlineData("hash")]
    [InlineData("interp")]
    [InlineData("qsort")]
    [InlineData("sieve")]
    [InlineData("tree")]
    [InlineData("matrix")]
    [InlineData("cipher")]
    [InlineData("x87")]
    public void Results_are_right(string kernel)
    {
        var guest = Path.Combine(Repository.Work("ticks"), kernel);
        Repository.Run("gcc", "-O2", "-w", "-static", "-nostdlib", "-nostartfiles", "-fno-stack-protector", "-DTICKS", Path.Combine(Repository.Root, $"tests/benchmarks/{kernel}.c"), "-o", guest);
        var native = Repository.Run(guest);
        Assert.EndsWith("\n0000000000000000\n", native);
        Assert.Equal(native, Repository.Run(Runners.Build(guest, [])));
        Assert.Equal(native, Repository.Run(Runners.Build(guest, ["insns", "memtrace,file=/dev/null"])));
    }
}
