using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Emu.Instrumentation;
using Emu.Ir;
using Emu.Ir.Text;
using Emu.Plugins;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>The guide's listings are real: those of files in the repository are these files, the others compile and work.</summary>
public sealed partial class GuideTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("emu-guide-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    static string Root([CallerFilePath] string here = "") => Path.GetFullPath("../../..", Path.GetDirectoryName(here)!);
    static string Guide => File.ReadAllText(Path.Combine(Root(), "docs/writing-a-pass.md"));

    [GeneratedRegex(@"<!-- (\S+) -->\n```\w+\n(.*?)```\n", RegexOptions.Singleline)]
    private static partial Regex Listing();

    [Fact]
    public void ListingsAreTheFiles()
    {
        var files = Listing().Matches(Guide).Where(m => m.Groups[1].Value.StartsWith("instrumentation-passes/", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, files.Count);
        foreach (var m in files) Assert.Equal(File.ReadAllText(Path.Combine(Root(), m.Groups[1].Value)), m.Groups[2].Value);
    }

    [Fact]
    public void TheFirstPassWorks()
    {
        var listing = Listing().Matches(Guide).Single(m => m.Groups[1].Value == "calls/Calls.cs");
        Directory.CreateDirectory(Path.Combine(folder, "calls"));
        File.WriteAllText(Path.Combine(folder, "calls/Calls.cs"), listing.Groups[2].Value);
        var plugins = new PluginCatalog(typeof(BlockCounter).Assembly, Path.Combine(folder, "cache")).Create([$"{folder}/calls"]);
        var instrumenter = new Instrumenter(plugins);
        Assert.Equal(["calls.calls"], instrumenter.Registry.Arrays);

        const string Region = "function 0x1000\n\n0x1000:\n  insn 0x1000 5 \"call 0x2000\"\n    callto 0x2000, 0x1005\n";
        var f = Parser.Parse(Region);
        instrumenter.Run(f, new TextGuest(f, Region));
        Assert.Contains("+ count @calls.calls[0x2000], 1", Printer.Print(f));
    }

    [Fact]
    public void TheSampleFolderIsAPluginOfItsOwn()
    {
        var plugins = new PluginCatalog(typeof(BlockCounter).Assembly, Path.Combine(folder, "cache")).Create([Path.Combine(Root(), "instrumentation-passes/Emu.Plugins/probe")]);
        Assert.Equal(Path.Combine(Root(), "instrumentation-passes/Emu.Plugins/probe/probe.c"), new Registry(plugins).Probes().Single().File);
    }

    [Fact]
    public void EveryMemberThatTheGuideNamesExists()
    {
        var members = new[] { typeof(BlockSite), typeof(InstructionSite), typeof(MemorySite), typeof(SystemCallSite), typeof(SignalSite), typeof(ModuleSite), typeof(ThreadSite), typeof(GuestInstruction), typeof(Collected), typeof(Counts) }.SelectMany(t => t.GetMembers()).Select(m => m.Name).ToHashSet();
        foreach (Match m in Regex.Matches(Guide, @"\b(?:at|data|at\.Instruction)\.([A-Z]\w+)")) Assert.Contains(m.Groups[1].Value, members);
    }
}
