using System.Text.Json;
using Emu.Tests.Cli;
using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Oracle;

/// <summary>Plugins see code that a program generates as they see the rest: instruction counts are the single-stepper's.</summary>
public class JitTruthTests
{
    [Theory]
    [InlineData("all")]
    [InlineData("none")]
    public void Instructions_are_those_of_the_CPU(string aot)
    {
        string folder = Repository.Work("jit"), guest = Path.Combine(folder, "jit"), log = Path.Combine(folder, $"log.{aot}");
        Repository.Run("nasm", "-felf64", Path.Combine(Repository.Root, "tests/Emu.Tests/Oracle/jit.asm"), "-o", guest + ".o");
        Repository.Run("ld", "-o", guest, guest + ".o");
        var (status, _, _) = Repository.RunAny(TinyGuests.Stepper(), log, "--", guest);
        var said = Shell.Run($"cd '{folder}' && emu run -p insns --json -r counts.{aot} --aot {aot} -- ./jit");
        Assert.Equal((status, ""), (said.Code, said.Error));
        var counted = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, $"counts.{aot}"))).RootElement.GetProperty("insns").GetProperty("total").GetInt32();
        Assert.Equal(StepLog.Read(log).Steps.Count, counted);
    }
}
