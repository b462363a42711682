using System.Runtime.CompilerServices;
using Emu.Instrumentation;
using Emu.Ir;
using Emu.Ir.Text;
using Emu.Plugins;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>
/// IR texts with the plugins named in their first line: what they become when instrumented. EMU_BLESS=1 rewrites the expectation.
/// Every plugin must leave the plain region when its code is taken away again.
/// </summary>
public class GoldenTests
{
    const string Line = "----\n";

    static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "cases");
    public static TheoryData<string> Cases => [.. Directory.GetFiles(Folder(), "*.ir").Select(p => Path.GetFileName(p)!).Order()];

    [Theory, MemberData(nameof(Cases))]
    public void Instrumented(string name)
    {
        string path = Path.Combine(Folder(), name), all = File.ReadAllText(path);
        string input = all.Split(Line)[0], header = input.Split('\n')[0];
        var f = Parser.Parse(input);
        Run(f, input, [.. header["; plugins: ".Length..].Split(' ')]);
        string result = Printer.Print(f);
        Assert.Equal(result, Printer.Print(Parser.Parse(result)));
        Assert.Empty(Verifier.Check(f));
        if (Environment.GetEnvironmentVariable("EMU_BLESS") == "1") File.WriteAllText(path, input + Line + result);
        else Assert.Equal(all, input + Line + result);
    }

    [Theory, MemberData(nameof(Cases))]
    public void StripGivesThePlainRegionBack(string name)
    {
        string input = File.ReadAllText(Path.Combine(Folder(), name)).Split(Line)[0];
        foreach (var plugins in new string[][] { ["blocks"], ["insns"], ["opcodes"], ["memtrace"], ["memtrace,value=on"], ["everything"], ["blocks", "insns", "opcodes", "memtrace,value=on", "everything"] })
        {
            var f = Parser.Parse(input);
            string plain = Printer.Print(f);
            Run(f, input, plugins);
            Instrumenter.Strip(f);
            Assert.Equal(plain, Printer.Print(f));
        }
    }

    [Fact]
    public void TogetherEachPluginInsertsWhatItInsertsAlone()
    {
        string input = File.ReadAllText(Path.Combine(Folder(), "locked.ir")).Split(Line)[0];
        string[] Effects(params string[] plugins)
        {
            var f = Parser.Parse(input);
            Run(f, input, plugins);
            return [.. f.Blocks.SelectMany(b => b.Code).Where(i => i.Op.Has(Effect.Plugin)).Select(i => $"{i.Op} {i.Detail}")];
        }
        var together = Effects("memtrace", "insns", "blocks");
        foreach (var one in new[] { "memtrace", "insns", "blocks" }) Assert.Equal(Effects(one), together.Where(e => e.Contains($" = {one}.", StringComparison.Ordinal)));
    }

    internal static IReadOnlyList<Plugin> Plugins(params string[] texts) => Plugin.Distinct(texts.Select(PluginOptions.Parse).Select(o => Plugin.Create(o.Name switch
    {
        "blocks" => new BlockCounter(),
        "insns" => new InstructionCounter(),
        "opcodes" => new OpcodeMix(),
        "memtrace" => new MemoryTrace(),
        "everything" => new Everything(),
        "early" => new TooEarly(),
        "late" => new TooLate(),
        "impatient" => new Impatient(),
        "unmarked" => new Unmarked(),
        "cutting" => new Cutting(),
        _ => new Options(),
    }, o)));

    internal static Instrumenter Run(Function f, string text, params string[] plugins)
    {
        var instrumenter = new Instrumenter(Plugins(plugins));
        instrumenter.Run(f, new TextGuest(f, text));
        return instrumenter;
    }
}
