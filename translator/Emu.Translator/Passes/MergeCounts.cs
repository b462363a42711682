using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>
/// Adds up the counts of one cell in a block and makes them once, where the first was: nothing can look at counters inside a block
/// but a probe, and calls of those keep what is before them.
/// </summary>
public static class MergeCounts
{
    public static void Run(Function f)
    {
        foreach (var b in f.Blocks) Run(b.Code);
    }

    static void Run(List<Inst> code)
    {
        var first = new Dictionary<(string, ulong), Inst>();
        bool merged = false;
        for (int n = 0; n < code.Count; n++)
        {
            if (code[n].Op == Op.Call) first.Clear();
            if (code[n] is not { Op: Op.Count, Detail: Detail.Cell { Guarded: false } c } count) continue;
            if (first.TryAdd((c.Array, c.Key), count)) continue;
            var into = first[(c.Array, c.Key)];
            var sum = (Detail.Cell)into.Detail!;
            into.Detail = sum with { Amount = sum.Amount + c.Amount };
            count.Detail = c with { Amount = 0 };
            merged = true;
        }
        if (merged) code.RemoveAll(i => i is { Op: Op.Count, Detail: Detail.Cell { Amount: 0, Guarded: false } });
    }
}
