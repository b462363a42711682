using Emu.Ir;
using Emu.Translator.Passes;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>
/// Counters of innermost loops in host registers: loaded where the loop is entered, added to in its blocks, stored (never loaded) before
/// anything that may fault, on the way back and on the way out. So a cell is as exact in a loop as elsewhere, and no iteration waits
/// for a load of what the last one stored.
/// </summary>
public sealed partial class RegionLowering
{
    /// <summary>With more than this, a loop would have no registers left for the guest.</summary>
    const int MostAccumulators = 4;

    /// <summary>A cell of a loop, and the alloca that LLVM makes a register of.</summary>
    readonly record struct Accumulator(int Cell, LLVMValueRef Home);

    /// <summary>Where the address of all cells is, in loops with accumulators.</summary>
    LLVMValueRef cellsHome;

    /// <summary>Of the loop that a block is in, by array and key.</summary>
    readonly Dictionary<Label, Dictionary<(string, ulong), Accumulator>> accumulators = [];

    void MakeAccumulators()
    {
        // Cells of code met at run time are shared by the processes that run it.
        if (demand.Guard.Kind != GuardKind.None) return;
        foreach (var loop in loops.Innermost)
        {
            var counts = f.Blocks.Where(b => loop.Contains(b.Label)).SelectMany(b => b.Code).Select(PlainCount).OfType<Detail.Cell>();
            var cells = counts.Select(c => (c.Array, c.Key)).Distinct().ToList();
            if (cells.Count is 0 or > MostAccumulators) continue;
            var homes = cells.ToDictionary(c => c, c => new Accumulator(symbols.Plugins.NewCell(c.Array, c.Key), m.Alloca(m.I64)));
            foreach (var label in loop) accumulators[label] = homes;
            if (cellsHome.Handle == 0) cellsHome = m.Alloca(m.Ptr);
        }
    }

    static Detail.Cell? PlainCount(Inst i) => i is { Op: Op.Count, Detail: Detail.Cell { Guarded: false } c } ? c : null;

    /// <summary>Whether the block's counts stay in registers until an edge stores them: nothing in it can see, or end, the run.</summary>
    static bool Defers(Block b) => b.Code.All(i => i.Op is not (Op.Call or Op.Append or Op.Native) && !i.Op.Has(Effect.Load | Effect.Store | Effect.Helper | Effect.Unit))
        && b.Terminator.Op is Op.Goto or Op.Branch;

    /// <summary>Counts in a register; false where this block has none for it.</summary>
    bool Accumulate(Detail.Cell c)
    {
        if (c.Guarded || !accumulators.TryGetValue(block.Label, out var homes)) return false;
        var (cell, home) = homes[(c.Array, c.Key)];
        m.Store(m.Add(m.Load(m.I64, home), m.Const((ulong)c.Amount)), home);
        if (!Defers(block)) StoreCell(cell, home);
        return true;
    }

    /// <summary>On an edge to a block of this region: loops that are left or begun again store, one that is entered loads.</summary>
    LLVMBasicBlockRef Accumulated(Label to, LLVMBasicBlockRef there)
    {
        var (here, next) = (accumulators.GetValueOrDefault(block.Label), accumulators.GetValueOrDefault(to));
        bool stores = here != null && Defers(block) && (here != next || to.CompareTo(block.Label) <= 0), loads = next != null && next != here;
        if (!stores && !loads) return there;
        var (back, edge) = (LLVM.GetInsertBlock(m.B), m.Block(function));
        m.At(edge);
        if (stores) StoreAccumulators();
        if (loads) LoadAccumulators(to);
        m.Br(there);
        m.At(back);
        return edge;
    }

    void StoreAccumulators()
    {
        if (accumulators.TryGetValue(block.Label, out var homes)) foreach (var (cell, home) in homes.Values) StoreCell(cell, home);
    }

    void LoadAccumulators(Label loop)
    {
        if (!accumulators.TryGetValue(loop, out var homes)) return;
        var cells = symbols.Plugins.Cells();
        m.Store(cells, cellsHome);
        foreach (var (cell, home) in homes.Values) m.Store(state.Plugin(m.Load(m.I64, symbols.Plugins.Cell(cells, cell))), home);
    }

    /// <summary>Volatile: that a later store overwrites it on all ways does not make it needless, there may be none.</summary>
    void StoreCell(int cell, LLVMValueRef home) =>
        LLVM.SetVolatile(state.Plugin(m.Store(m.Load(m.I64, home), symbols.Plugins.Cell(m.Load(m.Ptr, cellsHome), cell))), 1);
}
