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
        (int Status, string Output, string Errors) Run(string guest, params string[] words) =>
            Repository.RunAny("/usr/bin/env", [$"EMU_CACHE={cache}", "EMU_STATS=1", Path.Combine(Repository.Root, "emu"), "run", "--", guest, .. words]);
        foreach (string[] words in (string[][])[[registers.Value, "unwind"], [registers.Value, "unwind"], .. cases.Select(c => new[] { registers.Value, c }), [contexts.Value], [contexts.Value]])
            Assert.Equal(Repository.RunAny(words[0], words[1..]) with { Errors = "" }, Run(words[0], words[1..]) with { Errors = "" });
        Assert.Contains("nothing was translated at run time", Run(registers.Value, "unwind").Errors);
        Directory.Delete(cache, recursive: true);
    }
}
