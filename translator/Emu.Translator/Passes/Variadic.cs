using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>
/// Functions with a variable number of arguments (psABI 3.5.7): they store all argument registers, the vector ones behind a test of al,
/// whether or not there is an argument in them.
/// </summary>
static class Variadic
{
    /// <summary>The registers that such a function stores without knowing what is in them.</summary>
    public static readonly Transient Saved = Transients.Arguments & ~Transients.Preserved & ~Transients.Of("rax r10");

    public static bool Is(Function f) => SavesVectors(f) || SavesLast(f.Blocks[0]);

    /// <summary>Whether the first block ends in a branch on al, and one way leads to a block that does nothing but store vector registers.</summary>
    static bool SavesVectors(Function f)
    {
        var first = f.Blocks[0];
        return first.Terminator.Op == Op.Branch && first.Code.FindLast(i => i.Op == Op.Flags) is { Args: [Inst tested, ..] } && IsAl(tested)
            && f.Blocks.Any(b => first.Terminator.Successors().Contains(b.Label) && OnlySaves(b));
    }

    static bool IsAl(Inst i) => i is { Op: Op.Get, Printed.TotalBits: 8, Detail: Detail.Register { Reg: { Name: "rax", Byte: 0 } } };

    static bool OnlySaves(Block b) =>
        b.Code.Any(i => i.Op == Op.Store && i.Args[1].Type.TotalBits == 128) && b.Code.All(i => i.Op is Op.Insn or Op.Get or Op.Store or Op.Add or Op.Sub or Op.Goto || i.Inserted);

    /// <summary>Whether the last three argument registers go to neighbouring words, upwards: the register save area of a function that takes no floating point.</summary>
    static bool SavesLast(Block b)
    {
        var places = new Dictionary<string, (string, long)>();
        foreach (var i in b.Code)
            if (i is { Op: Op.Store, Args: [Inst { Op: Op.Add, Args: [Inst { Op: Op.Get, Detail: Detail.Register @base }, Const offset] }, Inst { Op: Op.Get, Detail: Detail.Register { Reg: { Name: var saved, Byte: 0 } }, Printed.TotalBits: 64 }] })
                places.TryAdd(saved, (@base.Reg.Name, (long)(ulong)offset.Bits));
        return places.TryGetValue("rcx", out var rcx) && places.TryGetValue("r8", out var r8) && places.TryGetValue("r9", out var r9)
            && r8 == (rcx.Item1, rcx.Item2 + 8) && r9 == (rcx.Item1, rcx.Item2 + 16);
    }
}
