using Emu.Ir;

namespace Emu.Instrumentation;

/// <summary>One walk over a region: finds the sites and puts the plugins' code in its places.</summary>
/// <remarks>
/// A block whose label has a part is the inside of one instruction (a string instruction lifted as a loop): it starts no
/// translation block, and the instruction ends in the last of its parts.
/// </remarks>
sealed class Walk(Instrumenter plugins, Function f, IGuestCode guest)
{
    readonly Dictionary<ulong, int> lastPart = f.Blocks.Where(b => b.Label.Part != 0).GroupBy(b => b.Label.Address).ToDictionary(g => g.Key, g => g.Max(b => b.Label.Part));
    readonly List<Inst> code = [];
    GuestInstruction? current;
    Place? after;

    public void Run()
    {
        for (int n = 0; n < f.Blocks.Count; n++)
        {
            if (f.Blocks[n].Label.Part == 0) current = null;
            Block(f.Blocks[n], n);
        }
    }

    void Block(Block b, int number)
    {
        code.Clear();
        bool entry = b.Label.Part == 0;
        foreach (var i in b.Code)
        {
            if (i.Op == Op.Insn || i.Op.Has(Effect.Ends)) Finish(b.Label, i);
            if (i.Op == Op.Insn) { code.Add(i); Begin(((Detail.Guest)i.Detail!).Address, entry ? number : null); }
            else if (current != null) Accesses(i, current);
            else code.Add(i);
            if (i.Op == Op.Insn) entry = false;
        }
        b.Code.Clear();
        b.Code.AddRange(code);
    }

    /// <summary>The entry of a block and the place before its instructions: after the marker, so that faults and lines belong to it.</summary>
    void Begin(ulong address, int? entryOf)
    {
        (current, after) = (null, null);
        if (entryOf is null && !plugins.WatchesInside) return;
        var i = current = guest.At(address);
        var before = new Place(f, i.Address);
        after = new Place(f, i.Next);
        if (entryOf is { } n && plugins.WatchesBlock(i)) plugins.Block(new(i, new(() => InstructionsOf(n)), before));
        if (plugins.WatchesInstruction(i)) plugins.Instruction(new(i, before, after));
        if (i.Branch == BranchKind.SystemCall && plugins.WatchesSystemCall(i)) plugins.SystemCall(new(i, before, after));
        code.AddRange(before.Code);
    }

    /// <summary>The place after an instruction: where the next one begins or the block falls through; of a watched system call, in its second part. A trap never gets there.</summary>
    void Finish(Label block, Inst next)
    {
        if (after is null || current is null || lastPart.TryGetValue(current.Address, out int part) && block != new Label(current.Address, part)) return;
        if (next.Op is Op.Insn or Op.Goto or Op.Deliver) code.AddRange(after.Code);
        after = null;
    }

    void Accesses(Inst i, GuestInstruction instruction)
    {
        IReadOnlyList<Access> accesses = i.Op.Has(Effect.Load | Effect.Store | Effect.Helper) && plugins.WatchesMemory(instruction) ? Access.Of(i, instruction.IsLocked, code) : [];
        bool done = false;
        foreach (var a in accesses)
        {
            var before = new Place(f, instruction.Address) { IsTooEarly = !a.IsKnownBefore, Guard = a.Happens };
            var then = new Place(f, instruction.Address) { Guard = a.Happens };
            plugins.Memory(new(instruction, a, before, then));
            code.AddRange(before.Code);
            if (!done) code.Add(i);
            done = true;
            code.AddRange(then.Code);
        }
        if (!done) code.Add(i);
    }

    /// <summary>The instructions of a translation block: of the block and of the parts that follow it.</summary>
    IReadOnlyList<GuestInstruction> InstructionsOf(int block)
    {
        var found = new List<GuestInstruction>();
        for (int n = block; n == block || n < f.Blocks.Count && f.Blocks[n].Label.Part != 0; n++)
            found.AddRange(f.Blocks[n].Code.Where(i => i.Op == Op.Insn).Select(i => guest.At(((Detail.Guest)i.Detail!).Address)));
        return found;
    }
}
