using Emu.Ir;
using Emu.Translator;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.X86;
using Iced.Intel;

namespace Emu.Cli.Verbs;

/// <summary>What is not translated: instructions that trap when they are executed, and jumps that go nobody knows where.</summary>
static class Missing
{
    const string Mark = "unsupported ";

    public static void Print(Pipeline pipeline, Image image, TextWriter to)
    {
        var all = pipeline.Program.Regions.SelectMany(r => Traps(r)).DistinctBy(t => t.Address).ToLookup(t => t.Text.StartsWith(Rules.NotAFeature, StringComparison.Ordinal));
        Print("instructions that are not lifted", [.. all[false]], to);
        if (all[true].Any()) Print("instructions of extensions that guests do not have", [.. all[true]], to);
        var slots = image.Slots();
        var jumps = pipeline.Program.Unresolved.Where(j => !IsThroughTable(j.Instruction, image, slots)).ToList();
        to.WriteLine($"indirect jumps without known targets: {jumps.Count} (they look their target up when executed)");
        foreach (var j in jumps) to.WriteLine($"         0x{j.Address:x}  {j.Instruction}  ({j.Why})");
    }

    /// <summary>A jump of the PLT: through a slot of the global offset table that the dynamic linker fills with a function, or with its own resolver.</summary>
    static bool IsThroughTable(Instruction i, Image image, IReadOnlyDictionary<ulong, string> slots) =>
        i.IsIPRelativeMemoryOperand && (slots.ContainsKey(i.IPRelativeMemoryAddress)
            || image.Sections.Any(s => s.Name is ".got" or ".got.plt" && i.IPRelativeMemoryAddress - s.Address < s.Size));

    static void Print(string what, IReadOnlyList<(ulong Address, string Mnemonic, string Text)> traps, TextWriter to)
    {
        to.WriteLine($"{what}: {traps.Count}");
        foreach (var g in traps.GroupBy(t => t.Mnemonic).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal))
        {
            var first = g.MinBy(t => t.Address);
            to.WriteLine($"{g.Count(),8} {g.Key,-14} first at 0x{first.Address:x}  {first.Text}");
        }
    }

    static IEnumerable<(ulong Address, string Mnemonic, string Text)> Traps(GuestRegion region)
    {
        foreach (var block in Lifter.Lift(region, new(_ => false, WithText: true)).Blocks)
        {
            ulong pc = block.Label.Address;
            foreach (var i in block.Code)
            {
                if (i.Detail is Detail.Guest g) pc = g.Address;
                if (i.Op != Op.Trap || i.Detail is not Detail.Reason { Text: var text }) continue;
                if (text.StartsWith(Mark, StringComparison.Ordinal)) yield return (pc, Mnemonic(text[Mark.Length..]), text[Mark.Length..]);
                if (text.StartsWith(Rules.NotAFeature, StringComparison.Ordinal)) yield return (pc, Mnemonic(text[Rules.NotAFeature.Length..]), text);
            }
        }
    }

    static string Mnemonic(string text) => text.Split(' ').SkipWhile(w => w is "rep" or "repe" or "repne" or "bnd" or "notrack" or "lock" or "AVX-512").First();
}
