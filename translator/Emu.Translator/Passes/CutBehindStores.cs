using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>
/// Ends a block behind each instruction that may change code, where the code is guarded: an edge is where a region asks whether its code is still
/// what it was. So a store takes effect at the next instruction, as on the CPU.
/// </summary>
public static class CutBehindStores
{
    public static void Run(Function f, Guard guard)
    {
        if (guard.Kind == GuardKind.None) return;
        var labels = f.Blocks.Select(b => b.Label).ToHashSet();
        // An instruction may be in two blocks, where one jumps behind the prefix of another: what follows it is the same.
        for (int n = 0; n < f.Blocks.Count; n++)
            if (Cut(f.Blocks[n], guard) is { } rest && labels.Add(rest.Label)) f.Blocks.Insert(n + 1, rest);
    }

    /// <summary>What is behind the first such instruction of a block, which then goes there; null if there is none.</summary>
    static Block? Cut(Block b, Guard guard)
    {
        bool changes = guard.MayChange(b.Label);
        for (int n = 0; n < b.Code.Count; n++)
        {
            if (changes && b.Code[n].Detail is Detail.Guest next)
            {
                var rest = new Block(next.Address);
                rest.Code.AddRange(b.Code[n..]);
                b.Code.RemoveRange(n, b.Code.Count - n);
                b.Code.Add(new(Op.Goto, Ir.Type.I64, [], new Detail.Target(rest.Label)));
                return rest;
            }
            changes |= guard.MayChange(b.Code[n]);
        }
        return null;
    }
}
