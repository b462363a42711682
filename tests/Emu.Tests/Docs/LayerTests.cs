using System.Reflection;
using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Docs;

/// <summary>Dependencies point one way: Ir to Translator to Cli, Ir to Instrumentation to Plugins (ARCHITECTURE.md, "Layers").</summary>
public sealed class LayerTests
{
    const string Translator = "translator/Emu.Translator";

    /// <summary>What an assembly may reference of ours and of others; the framework is everybody's.</summary>
    [Theory]
    [InlineData("Emu.Ir", "")]
    [InlineData("Emu.Llvm", "")]
    [InlineData("Emu.Instrumentation", "Emu.Ir")]
    [InlineData("Emu.Plugins", "Emu.Instrumentation")]
    [InlineData("Emu.Translator", "Emu.Ir Emu.Llvm Emu.Instrumentation Iced")]
    [InlineData("emu", "Emu.Ir Emu.Instrumentation Emu.Plugins Emu.Translator Emu.Llvm CommandLine Iced")]
    public void References(string assembly, string allowed)
    {
        var names = Assembly.Load(assembly).GetReferencedAssemblies().Select(a => a.Name!).Where(n => !n.StartsWith("System.", StringComparison.Ordinal) && !n.StartsWith("Microsoft.Win32.", StringComparison.Ordinal));
        Assert.Empty(names.Except(allowed.Split(' ')));
    }

    /// <summary>Which of the translator's folders speak of what: x86 decoding at one end, the host's code generator at the other.</summary>
    [Theory]
    [InlineData("X86", "LLVM", "Emu.Translator.Lowering", "Emu.Translator.Linking", "Emu.Translator.Passes", "Emu.Instrumentation")]
    [InlineData("Lowering", "Iced", "Emu.Translator.X86", "Emu.Translator.Elf")]
    [InlineData("Baseline", "LLVM", "Emu.Translator.X86", "Emu.Translator.Elf", "Emu.Translator.Linking")]
    [InlineData("Passes", "LLVM", "Iced", "Emu.Translator.X86", "Emu.Translator.Lowering")]
    [InlineData("Discovery", "LLVM", "Emu.Translator.Lowering", "Emu.Translator.X86", "Emu.Instrumentation")]
    [InlineData("Elf", "LLVM", "Iced", "Emu.Translator.Discovery", "Emu.Translator.Lowering", "Emu.Ir")]
    public void Folders(string folder, params string[] strangers)
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, Translator, folder), "*.cs", SearchOption.AllDirectories))
            foreach (string line in File.ReadLines(file).Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal)))
                foreach (string stranger in strangers)
                    Assert.False(line.Contains(stranger, StringComparison.Ordinal), $"{folder}/{Path.GetFileName(file)} speaks of {stranger}: {line.Trim()}");
    }

    /// <summary>Plugins see sites: of the language that passes are translated to they see nothing.</summary>
    [Fact]
    public void PluginsSeeSitesOnly()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "instrumentation-passes/Emu.Plugins"), "*.cs", SearchOption.AllDirectories))
            Assert.DoesNotContain(File.ReadLines(file), l => l.Contains("Emu.Ir", StringComparison.Ordinal) || l.Contains("Emu.Translator", StringComparison.Ordinal));
    }

    /// <summary>Only one place knows the order of the stages; `show --missing` asks the lifter alone.</summary>
    [Fact]
    public void OnlyThePipelineLifts()
    {
        var callers = Directory.GetFiles(Path.Combine(Repository.Root, "translator"), "*.cs", SearchOption.AllDirectories)
            .Where(f => File.ReadAllText(f) is var text && (text.Contains("Lifter.Lift(", StringComparison.Ordinal) || text.Contains("RegionLowering.Lower(", StringComparison.Ordinal)));
        Assert.Equal(["Missing.cs", "Pipeline.cs"], callers.Select(f => Path.GetFileName(f)!).Distinct().Order());
    }
}
