using Emu.Ir;
using Emu.Translator.Passes;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>
/// Where a signal is taken: at loop back-edges, at the entries of regions that call cycles go through, and at indirect calls and jumps. The
/// check is one compare of the host's rsp with <c>emu_state.host_limit</c>, which the core raises above every address.
/// </summary>
public sealed partial class RegionLowering
{
    readonly HashSet<(Label From, Label To)> backEdges;

    /// <summary>Edges that close loops; a loop inside of an instruction is one of the whole instruction, too.</summary>
    static HashSet<(Label From, Label To)> BackEdges(Function f)
    {
        var next = f.Blocks.ToDictionary(b => b.Label, b => b.Terminator.Successors().ToArray());
        return Graph.Retreating(next.Keys, label => next.TryGetValue(label, out var to) ? to : []);
    }

    /// <summary>A guarded region goes by addresses, as its flags do.</summary>
    bool IsBack(Label to) => demand.Guard.Kind != GuardKind.None ? Guard.ClosesLoop(block, to) : to.Part == 0 && backEdges.Contains((block.Label, to));

    /// <summary>Whether the host stack is at its limit, or something waits to be done.</summary>
    LLVMValueRef AtLimit()
    {
        var below = m.Asm($"cmpq %fs:emu_state@TPOFF+{GuestState.HostLimit}, %rsp", "={@ccb}", true, m.Function(m.I8), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT);
        return m.Trunc(below, m.I1);
    }

    /// <summary>At the region's entry the guest is where callers put it: the core gets it as it is, and comes back.</summary>
    void CheckSignals()
    {
        if (!demand.IsChecked(f.Entry)) return;
        LLVMBasicBlockRef rare = m.Block(function), usual = m.Block(function);
        m.BrUnlikely(AtLimit(), rare, usual);
        m.At(rare);
        state.Store(m.Const(f.Entry), GuestState.Rip);
        var live = demand.Before(f.Blocks[0].Label);
        symbols.TailCall(symbols.Region(Bridges.EnterThunk), [.. symbols.TypesOf(Abi.In).Select((type, n) => slots[Abi.In[n]].IsIn(live) ? LLVM.GetParam(function, (uint)n) : m.Poison(type))]);
        m.At(usual);
    }

    readonly Dictionary<Label, LLVMBasicBlockRef> visits = [];

    /// <summary>An edge back to <paramref name="to"/>: a check of its own, so that LLVM may lay out the loop as it likes.</summary>
    LLVMBasicBlockRef BackEdge(Label to)
    {
        var (back, check) = (LLVM.GetInsertBlock(m.B), m.Block(function));
        m.At(check);
        m.BrUnlikely(AtLimit(), Visit(to), blocks[to]);
        m.At(back);
        return check;
    }

    /// <summary>The rare path of all edges back to <paramref name="to"/>: the core gets what is live there.</summary>
    LLVMBasicBlockRef Visit(Label to)
    {
        if (visits.TryGetValue(to, out var rare)) return rare;
        visits[to] = rare = m.Block(function);
        var (back, before) = (LLVM.GetInsertBlock(m.B), dirty);
        m.At(rare);
        dirty = flow.At(to);
        Visit(to, demand.Before(to));
        dirty = before;
        m.At(back);
        return rare;
    }

    /// <summary>
    /// The core gets what travels in the registers of regions' arguments, as if it were one, but it keeps all host registers: what this code
    /// knows of the guest's registers still holds behind the call, and the loop loses nothing by it.
    /// </summary>
    void Visit(Label at, Transient live)
    {
        state.Store(m.Const(at.Address), GuestState.Rip);
        StoreDirty(live);
        var carried = Abi.In.Index().Where(r => slots[r.Item].IsIn(live)).ToList();
        LLVMValueRef[] values = [.. carried.Select(r => symbols.Carry(Read(r.Item), r.Index))];
        // Below the red zone: this may be a leaf.
        var elsewhere = m.Asm("addq $$-128, %rsp\ncallq emu_visit\nleaq 128(%rsp), %rsp",
            string.Join(',', ["={@ccne}", .. carried.Select(r => $"{{{Abi.HostRegisters[r.Index]}}}"), "~{memory}"]), true,
            m.Function(m.I8, [.. values.Select(LLVM.TypeOf)]), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, values);
        if (demand.Guard.Kind != GuardKind.None) m.Visits.Add(LLVM.GetCalledValue(elsewhere));
        LLVMBasicBlockRef leave = m.Block(function), again = m.Block(function);
        m.BrUnlikely(m.Trunc(elsewhere, m.I1), leave, again);
        m.At(again);
        LoadAccumulators(at); // the handler may have counted, too
        if (demand.Guard.Kind == GuardKind.None) m.Br(blocks[at]);
        else m.BrUnlikely(IsStale(at), Exit(at), blocks[at]);
        m.At(leave);
        symbols.TailCall(symbols.Region(Bridges.Resume), [.. symbols.TypesOf(Abi.In).Select(m.Poison)]);
    }
}
