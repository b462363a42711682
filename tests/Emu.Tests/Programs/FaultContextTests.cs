using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Handlers of faults see every register, and may change them, in every tier and without an option: native against translated.</summary>
public class FaultContextTests
{
    /// <summary>contexts.c: instructions of all kinds; registers.c: what handlers do with registers.</summary>
    static readonly Lazy<string> contexts = new(() => Compile("contexts", "-O2")),
        registers = new(() => Compile("registers", "-O2", "-funwind-tables", "-Wl,--eh-frame-hdr"));

    static readonly string[] cases = ["unwind", "overflow", "hlt", "fpe", "rdtsc"];

    static string Compile(string name, params string[] options)
    {
        var path = Path.Combine(Repository.Work("contexts"), name);
        Repository.Run("musl-gcc", [.. options, "-static", "-w", "-o", path, Path.Combine(Repository.Root, $"tests/Emu.Tests/Programs/{name}.c"), .. name == "registers" ? ["-lgcc_eh"] : Array.Empty<string>()]);
        return path;
    }

    [Theory]
    [InlineData("all", "")]
    [InlineData("none", "EMU_TIER=1")]
    [InlineData("none", "EMU_TIER=2")]
    [InlineData("none", "")]
    public void As_natively(string aot, string tier)
    {
        string[] variables = tier.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var runner = Runners.Build(contexts.Value, [], aot: aot);
        Assert.Equal(Repository.Run(contexts.Value).Split('\n'), Repository.Run("/usr/bin/env", [.. variables, runner]).Split('\n'));
        runner = Runners.Build(registers.Value, [], aot: aot);
        foreach (string name in cases) Assert.Equal(Repository.RunAny(registers.Value, name), Repository.RunAny("/usr/bin/env", [.. variables, runner, name]));
    }

    /// <summary>The first run goes on in code that is translated at run time; the next one is of code translated ahead of time that keeps registers.</summary>
    [Fact]
    public void Is_learnt()
    {
        var cache = Directory.CreateTempSubdirectory("emu-cache-").FullName;
        (int, string, string) Run(string guest, params string[] words) =>
            Repository.RunAny("/usr/bin/env", [$"EMU_CACHE={cache}", "EMU_STATS=1", Path.Combine(Repository.Root, "emu"), "run", "--", guest, .. words]);
        foreach (string name in cases.Except(["rdtsc"]))
        {
            var (status, output, _) = Repository.RunAny(registers.Value, name);
            foreach (bool isFirst in (bool[])[name == cases[0], false])
            {
                var run = Run(registers.Value, name);
                Assert.Equal((status, output), (run.Item1, run.Item2));
                Assert.Equal(!isFirst, run.Item3.Contains("nothing was translated at run time", StringComparison.Ordinal));
            }
        }
        var native = Repository.RunAny(contexts.Value);
        for (int n = 0; n < 2; n++)
        {
            var (status, output, _) = Run(contexts.Value);
            Assert.Equal((native.Status, native.Output), (status, output));
        }
        Directory.Delete(cache, recursive: true);
    }
}
