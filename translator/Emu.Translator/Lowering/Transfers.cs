using Emu.Ir;
using Emu.Translator.Passes;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>Terminators: edges inside the region, calls, returns, and leaving for another region or the dispatcher.</summary>
public sealed partial class RegionLowering
{
    void Transfer(Inst i)
    {
        switch (i.Op)
        {
            case Op.Goto: m.Br(Edge(((Detail.Target)i.Detail!).Then)); break;
            case Op.Branch when i.Detail is Detail.Target t: m.Br(Arg(i, 0), Edge(t.Then), Edge(t.Else!.Value)); break;
            case Op.Switch: SwitchTo(Arg(i, 0), Arg(i, 1), i, n => (ulong)n); break;
            case Op.SwitchOn when i.Detail is Detail.Table t: SwitchTo(Arg(i, 0), Arg(i, 0), i, n => t.Targets[n].Address); break;
            case Op.Jump: JumpTo(Arg(i, 0)); break;
            case Op.CallTo: CallRegion(i, Arg(i, 0), ((Detail.Target)i.Detail!).Then); break;
            case Op.Ret: Leave(Arg(i, 0), demand.Behind(block)); break;
            case Op.Syscall: SystemCall(((Detail.Target)i.Detail!).Then); break;
            case Op.Deliver: CallAndGoOn("deliver", ((Detail.Target)i.Detail!).Then); break;
            case Op.Trap: Trap((Detail.Reason)i.Detail!); break;
            default: throw new InvalidOperationException($"no transfer {i.Op}");
        }
    }

    /// <summary>The LLVM block of a label; for one outside the region a new block that goes there.</summary>
    LLVMBasicBlockRef Edge(Label to) => !blocks.ContainsKey(to) ? Exit(to) : demand.Guard.Asks(block, to) ? IfFresh(to) : Inside(to);

    LLVMBasicBlockRef Inside(Label to) => Accumulated(to, IsBack(to) ? BackEdge(to) : blocks[to]);

    LLVMBasicBlockRef Exit(Label to)
    {
        var back = LLVM.GetInsertBlock(m.B);
        var exit = m.Block(function);
        m.At(exit);
        if (Defers(block)) StoreAccumulators();
        if (to.Part == 0 && demand.IsRoot(to.Address)) TailCall(symbols.Region(to.Address), demand.AtEdge(to));
        else if (to.Part == 0 && demand.Guard.Kind != GuardKind.None) JumpTo(m.Const(to.Address), Transient.All);
        else Leave(m.Const(to.Address), Transient.All);
        m.At(back);
        return exit;
    }

    /// <summary>A guarded region that finds its code changed goes on in the code that is there now.</summary>
    LLVMBasicBlockRef IfFresh(Label to)
    {
        var (back, check) = (LLVM.GetInsertBlock(m.B), m.Block(function));
        m.At(check);
        m.BrUnlikely(IsStale(to), Exit(to), Inside(to));
        m.At(back);
        return check;
    }

    /// <summary>A resolved jump table; what is outside of it goes where the guest computed.</summary>
    void SwitchTo(LLVMValueRef selector, LLVMValueRef target, Inst i, Func<int, ulong> value)
    {
        var labels = ((Detail.Table)i.Detail!).Targets;
        var otherwise = m.Block(function);
        var edges = new Dictionary<Label, LLVMBasicBlockRef>();
        var table = LLVM.BuildSwitch(m.B, selector, otherwise, (uint)labels.Count);
        for (int n = 0; n < labels.Count; n++)
        {
            if (!edges.TryGetValue(labels[n], out var edge)) edges[labels[n]] = edge = Edge(labels[n]);
            LLVM.AddCase(table, m.Const(value(n)), edge);
        }
        m.At(otherwise);
        JumpTo(target);
    }

    void JumpTo(LLVMValueRef target) => JumpTo(target, demand.Behind(block));

    void JumpTo(LLVMValueRef target, Transient live) => TailCall(Lookup(target, live, isCall: Summaries.IsStub(f)), live);

    /// <summary>The arguments of a region, and everything else into the state.</summary>
    LLVMValueRef[] Arguments(Transient live)
    {
        StoreDirty(live);
        var types = symbols.TypesOf(Abi.In);
        return [.. Abi.In.Select((r, n) => slots[r] is var s && s.IsIn(live) ? symbols.Carry(Read(s), n) : m.Poison(types[n]))];
    }

    void TailCall(LLVMValueRef region, Transient live) => symbols.TailCall(region, Arguments(live));

    /// <summary>A guest call is a host call: the callee returns the PC that it popped, compared here with the return site.</summary>
    void CallRegion(Inst i, LLVMValueRef target, Label next)
    {
        bool direct = i.Args[0] is Const c && demand.IsRoot((ulong)c.Bits);
        var region = direct ? symbols.Region((ulong)((Const)i.Args[0]).Bits) : Lookup(target, demand.Behind(block), isCall: true);
        ContinueAt(symbols.Call(region, Arguments(demand.Behind(block))), next.Address, next, demand.Back(block));
    }

    /// <summary>
    /// Goes on at <paramref name="next"/> when the callee came back to <paramref name="rip"/>; otherwise returns what it returned. <paramref name="back"/>
    /// is what it hands over.
    /// </summary>
    void ContinueAt(LLVMValueRef result, ulong rip, Label next, Transient back = Transient.All)
    {
        LLVMBasicBlockRef elsewhere = m.Block(function), here = m.Block(function);
        m.BrUnlikely(m.Icmp(LLVMIntPredicate.LLVMIntNE, m.ExtractValue(result, Abi.RipNumber), m.Const(rip)), elsewhere, here);
        m.At(elsewhere);
        LLVM.BuildRet(m.B, result);
        m.At(here);
        var live = demand.AtStart(next, blocks.ContainsKey);
        Receive(result, live, back);
        LoadFlags(Demand.Flags(live & back));
        GoOnAt(next);
    }

    /// <summary>Whatever ran in between may have changed this region's code.</summary>
    void GoOnAt(Label next)
    {
        if (demand.Guard.Kind == GuardKind.None || next.Part != 0)
        {
            m.Br(Edge(next));
            return;
        }
        if (blocks.ContainsKey(next)) m.BrUnlikely(IsStale(next), Exit(next), Inside(next));
        else m.Br(Exit(next));
    }

    /// <summary>The region's first act, with nothing but its arguments: when it is not valid, the core finds the one that is.</summary>
    void CheckEntry()
    {
        if (demand.Guard.Kind == GuardKind.None) return;
        LLVMBasicBlockRef stale = m.Block(function), fresh = m.Block(function);
        m.BrUnlikely(IsStale(f.Entry), stale, fresh);
        m.At(stale);
        var target = m.Call(symbols.LookupType, symbols.Lookup(everything: true), m.Const(f.Entry));
        LLVM.SetInstructionCallConv(target, Abi.PreserveAll);
        symbols.TailCall(target, [.. Enumerable.Range(0, Abi.In.Count).Select(n => LLVM.GetParam(function, (uint)n))]);
        m.At(fresh);
    }

    /// <summary>Whether the region must not go on at a block.</summary>
    LLVMValueRef IsStale(Label at)
    {
        var valid = m.Load(m.I8, symbols.Valid);
        LLVM.SetVolatile(valid, 1);
        var stale = m.Icmp(LLVMIntPredicate.LLVMIntEQ, valid, m.Const(m.I8, 0));
        return demand.Guard.Kind == GuardKind.Bytes ? m.Or(stale, Differs(at)) : stale;
    }

    /// <summary>Whether the bytes of a block are others than those that were translated.</summary>
    LLVMValueRef Differs(Label at)
    {
        var differences = m.Const(0);
        foreach (var (address, bytes) in demand.Guard.Of(f.Blocks.Find(b => b.Label == at)!))
            for (int from = 0, size; from < bytes.Length; from += size)
            {
                size = bytes.Length - from >= 8 ? 8 : bytes.Length - from >= 4 ? 4 : bytes.Length - from >= 2 ? 2 : 1;
                ulong then = 0;
                for (int n = size - 1; n >= 0; n--) then = then << 8 | bytes.Span[from + n];
                var now = state.Guest(m.Load(m.Int(8 * size), m.ToPtr(m.Const(address + (ulong)from)), 1));
                differences = m.Or(differences, m.Zext(m.Xor(now, m.Const(m.Int(8 * size), then)), m.I64));
            }
        return m.Icmp(LLVMIntPredicate.LLVMIntNE, differences, m.Const(0));
    }

    /// <summary>The callee's registers become this region's, as far as it reads them; what is not in <paramref name="back"/> is not in the state either.</summary>
    void Receive(LLVMValueRef result, Transient live, Transient back = Transient.All)
    {
        foreach (var (n, register) in Abi.Results)
            if (slots[register] is var s && s.IsIn(live)) Write(s, s.IsIn(back) || !Abi.IsInVector(n) ? symbols.Carried(m.ExtractValue(result, n), s.Type) : Anything(s.Type));
        var inState = slots.Values.Where(s => s.Crossing == Crossing.Stays && s.IsIn(live)).ToLookup(s => s.IsIn(back));
        LoadState(inState[true].Contains);
        foreach (var s in inState[false]) Write(s, Anything(s.Type));
        TakeRest(live & back);
        dirty = 0;
    }

    /// <summary>
    /// What a register holds that is passed on without anything in it. Not LLVM's undef: that would become the value from before the call, kept over
    /// it; nor poison: of a register that is then written in part, that part is read.
    /// </summary>
    LLVMValueRef Anything(LLVMTypeRef type) =>
        m.Asm("", LLVM.GetTypeKind(type) == LLVMTypeKind.LLVMIntegerTypeKind ? "=r" : "=x", true, m.Function(type), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT);

    /// <summary>Returns to the caller with a guest PC: a guest return, or a PC that only the dispatcher can find.</summary>
    void Leave(LLVMValueRef rip, Transient live)
    {
        StoreDirty(live);
        var result = m.InsertValue(m.Poison(symbols.ResultType), rip, Abi.RipNumber);
        foreach (var (n, register) in Abi.Results) if (slots[register] is var s && s.IsIn(live)) result = m.InsertValue(result, symbols.Carry(Read(s), n), n);
        LLVM.BuildRet(m.B, result);
    }

    /// <summary>The host address of a guest PC: one probe of the dispatch table inline, the rest in the core.</summary>
    LLVMValueRef Lookup(LLVMValueRef target, Transient live, bool isCall)
    {
        var entry = m.Offset(symbols.DispatchTable, symbols.MaskedForDispatch(m.Xor(target, m.RotateLeft(target, 4))));
        var found = state.State(m.Load(m.I64, entry, 8));
        LLVMBasicBlockRef known = m.Block(function), hit = m.Block(function), miss = m.Block(function), both = m.Block(function);
        m.BrUnlikely(m.Icmp(LLVMIntPredicate.LLVMIntNE, found, target), miss, known);
        m.At(known);
        m.BrUnlikely(AtLimit(), miss, hit);
        m.At(hit);
        var fast = state.State(m.Load(m.Ptr, m.Offset(entry, 8), 8));
        m.Br(both);
        m.At(miss);
        var slow = m.Call(symbols.LookupType, symbols.Lookup(everything: live == Transient.All, isCall), target);
        LLVM.SetInstructionCallConv(slow, Abi.PreserveAll);
        m.Br(both);
        m.At(both);
        return symbols.Phi(m.Ptr, (fast, hit), (slow, miss));
    }

    /// <summary>Calls the core with everything in the state: for this code a guest call to a thunk.</summary>
    LLVMValueRef CallCore(string name, ulong rip, Transient live)
    {
        state.Store(m.Const(rip), GuestState.Rip);
        return symbols.Call(symbols.Region(Bridges.Thunk(name)), Arguments(live));
    }

    /// <summary>An instruction that the core does; it leaves the flags alone. A system call may not come back here.</summary>
    void CallHelper(string name)
    {
        var image = StateImage.Of(name);
        var known = name == SystemCalls.OldHelper ? Transient.All : Transient.All & ~Transient.Flags;
        if (image is { } form) state.Store(m.Const((ulong)form.Number), GuestState.Form);
        Receive(CallCore(image != null ? "helper_image" : $"helper_{name}", pc, known), Transient.All);
    }

    /// <summary>A system call may put the guest somewhere else (sigreturn): then this region returns too. A watched one goes on inside the instruction.</summary>
    void SystemCall(Label next)
    {
        const int length = 2;
        if (next.Part == 0) CallAndGoOn("syscall", next);
        else ContinueAt(CallCore("syscall_watched", next.Address + length, Transient.All), next.Address + length, next);
    }

    void CallAndGoOn(string name, Label next) => ContinueAt(CallCore(name, next.Address, Transient.All), next.Address, next);

    void Trap(Detail.Reason reason)
    {
        state.Store(m.Const(pc), GuestState.Rip);
        state.Store(m.Const((ulong)reason.Signal), GuestState.TrapSignal);
        state.Store(symbols.Text(reason.Text), GuestState.TrapText);
        TailCall(symbols.Region(Bridges.Thunk("trapped")), Transient.All);
    }
}
