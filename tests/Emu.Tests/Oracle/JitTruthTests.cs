using System.Text.Json;
using Emu.Tests.Cli;
using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Oracle;

/// <summary>Plugins see code that a program generates as they see the rest: instruction counts are the single-stepper's.</summary>
public class JitTruthTests
{
    /// <summary>It is where the kernel puts it: above 4 GiB.</summary>
    [Fact]
    public void A_trace_has_whole_PCs()
    {
        string guest = Build(), folder = Path.GetDirectoryName(guest)!;
        var said = Shell.Run($"cd '{folder}' && emu run -p memtrace -r trace -- ./jit");
        Assert.Equal("", said.Error);
        ulong[] pcs = [.. File.ReadLines(Path.Combine(folder, "trace")).Skip(1).Select(l => Convert.ToUInt64(l.Split(' ')[0][2..], 16))];
        Assert.Equal(25, pcs.Count(pc => pc >= 0x100000000 && pc >> 12 == pcs.Max() >> 12));
    }

    static string Build()
    {
        string guest = Path.Combine(Repository.Work("jit"), "jit");
        Repository.Run("nasm", "-felf64", Path.Combine(Repository.Root, "tests/Emu.Tests/Oracle/jit.asm"), "-o", guest + ".o");
        Repository.Run("ld", "-o", guest, guest + ".o");
        return guest;
    }

    [Theory]
    [InlineData("all")]
    [InlineData("none")]
    public void Instructions_are_those_of_the_CPU(string aot)
    {
        string guest = Build(), folder = Path.GetDirectoryName(guest)!, log = Path.Combine(folder, $"log.{aot}");
        var (status, _, _) = Repository.RunAny(TinyGuests.Stepper(), log, "--", guest);
        var said = Shell.Run($"cd '{folder}' && emu run -p insns --json -r counts.{aot} --aot {aot} -- ./jit");
        Assert.Equal((status, ""), (said.Code, said.Error));
        var counted = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, $"counts.{aot}"))).RootElement.GetProperty("insns").GetProperty("total").GetInt32();
        Assert.Equal(StepLog.Read(log).Steps.Count, counted);
    }
}
