using Emu.Ir;
using Emu.Translator;
using Emu.Translator.Discovery;
using Emu.Translator.X86;

namespace Emu.Cli.Verbs;

/// <summary>What is not translated: instructions that trap when they are executed, and jumps that go nobody knows where.</summary>
static class Missing
{
    const string Mark = "unsupported ";

    public static void Print(Pipeline pipeline, TextWriter to)
    {
        var traps = pipeline.Program.Regions.SelectMany(r => Traps(r)).DistinctBy(t => t.Address)
            .GroupBy(t => t.Mnemonic).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).ToArray();
        to.WriteLine($"instructions that are not lifted: {traps.Sum(g => g.Count())}");
        foreach (var g in traps)
        {
            var first = g.MinBy(t => t.Address);
            to.WriteLine($"{g.Count(),8} {g.Key,-14} first at 0x{first.Address:x}  {first.Text}");
        }
        var jumps = pipeline.Program.Unresolved;
        to.WriteLine($"indirect jumps without known targets: {jumps.Count} (they look their target up when executed)");
        foreach (var j in jumps) to.WriteLine($"         0x{j.Address:x}  {j.Instruction}  ({j.Why})");
    }

    static IEnumerable<(ulong Address, string Mnemonic, string Text)> Traps(GuestRegion region)
    {
        foreach (var block in Lifter.Lift(region, new(_ => false, WithText: true)).Blocks)
        {
            ulong pc = block.Label.Address;
            foreach (var i in block.Code)
            {
                if (i.Detail is Detail.Guest g) pc = g.Address;
                if (i.Op == Op.Trap && i.Detail is Detail.Reason r && r.Text.StartsWith(Mark, StringComparison.Ordinal)) yield return (pc, Mnemonic(r.Text[Mark.Length..]), r.Text[Mark.Length..]);
            }
        }
    }

    static string Mnemonic(string text) => text.Split(' ').SkipWhile(w => w is "rep" or "repe" or "repne" or "bnd" or "notrack" or "lock" or "AVX-512").First();
}
