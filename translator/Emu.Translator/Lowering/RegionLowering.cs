using Emu.Ir;
using Emu.Translator.Passes;
using LLVMSharp.Interop;
using Type = Emu.Ir.Type;

namespace Emu.Translator.Lowering;

/// <summary>
/// Lowers one IR function to an LLVM function. Guest registers and flags become allocas, loaded on entry and stored where control
/// leaves: LLVM makes the SSA. Blocks map one to one; see Transfers for what happens at the region's edges.
/// </summary>
public sealed partial class RegionLowering
{
    readonly ModuleWriter m;
    readonly ModuleSymbols symbols;
    readonly StateAccess state;
    readonly Function f;
    readonly Demand demand;
    readonly LLVMValueRef function;
    readonly Dictionary<Label, LLVMBasicBlockRef> blocks = [];
    readonly Dictionary<string, Slot> slots = [];
    readonly LLVMValueRef[] flags = new LLVMValueRef[6];
    readonly Dictionary<Value, LLVMValueRef> values = [];
    readonly SlotFlow flow;
    readonly Loops loops;
    ulong dirty, pc, place;
    int turn;
    Block block = null!;
    Folding folding = null!;

    RegionLowering(ModuleSymbols symbols, Function f, Demand demand)
    {
        (this.symbols, m, state, this.f, this.demand) = (symbols, symbols.Module, symbols.State, f, demand);
        function = symbols.Region(f.Entry);
        var entry = m.Block(function);
        foreach (var b in f.Blocks) blocks[b.Label] = m.Block(function);
        m.At(entry);
        symbols.Debug.Enter(function, f.Entry);
        MakeSlots();
        backEdges = BackEdges(f);
        loops = symbols.Plugins.IsEmpty ? Loops.None : Loops.Of(f);
        MakeAccumulators();
        MakeFaultState();
        ulong travels = Bits(s => s.Crossing == Crossing.Travels);
        flow = new(f, i => Touched(i) & ~travels, 0, 0);
        CheckEntry();
        CheckSignals();
        EnterRegion();
        LoadAccumulators(f.Blocks[0].Label);
        m.Br(blocks[f.Blocks[0].Label]);
    }

    /// <summary>Adds the function to the module.</summary>
    public static void Lower(ModuleSymbols symbols, Function f, Demand demand)
    {
        var lowering = new RegionLowering(symbols, f, demand);
        foreach (var b in f.Blocks) lowering.Lower(b);
    }

    void Lower(Block b)
    {
        m.At(blocks[b.Label]);
        dirty = flow.At(b.Label);
        changed = unsaved?.At(b.Label) ?? 0;
        values.Clear();
        block = b;
        place = b.Label.Address;
        turn++;
        folding = new(b);
        foreach (var i in b.Code)
        {
            if (MayFault(i)) place = pc;
            symbols.Debug.At(MayFault(i) || Calls(i) ? place : null);
            SaveForFault(i);
            if (i.Op.Has(Effect.Ends)) Transfer(i);
            else if (Operation(i) is { Handle: not 0 } v) values[i] = v;
            dirty = flow.After(i, dirty);
        }
    }

    static bool MayFault(Inst i) => i.Op is Op.Div or Op.Idiv or Op.Native || i.Op.Has(Effect.Load | Effect.Store | Effect.Unit);

    /// <summary>A call of a function with places must have one, too; any does, and the last one costs no row.</summary>
    static bool Calls(Inst i) => i.Op.Has(Effect.Ends | Effect.Helper | Effect.Plugin);

    LLVMValueRef Arg(Inst i, int n) => i.Args[n] is Const c ? m.Const(c.Type, c.Bits) : values[i.Args[n]];

    // --- Slots ---

    void MakeSlots()
    {
        foreach (var r in Abi.In) Make(r, 0);
        foreach (var i in f.Blocks.SelectMany(b => b.Code))
        {
            if (i.Detail is Detail.Register { Reg: var r })
                for (int half = r.Byte / 16; half <= (r.Byte + i.Printed.Bytes - 1) / 16; half++) Make(r.Name, half);
            if (i.Op is Op.Rep or Op.Rflags) Make("df", 0);
        }
        for (int n = 0; n < 6; n++) flags[n] = m.Alloca(m.I1);
        if (f.Blocks.Any(b => b.Code.Any(i => i.Op == Op.Host))) scratch = AlignedScratch();
    }

    static bool IsVector(string register) => GuestState.SizeOf(register) == 32;
    static string Key(string register, int half) => half == 0 ? register : $"{register}+16";

    /// <summary>Vector registers are two slots of 16 bytes: code that never touches the upper halves pays nothing for them.</summary>
    void Make(string register, int half)
    {
        if (slots.ContainsKey(Key(register, half))) return;
        var type = IsVector(register) ? m.Vector(m.I64, 2) : m.Int(8 * GuestState.SizeOf(register));
        int offset = GuestState.Offset(register);
        slots.Add(Key(register, half), new(slots.Count, register, offset < 0 ? offset : offset + 16 * half, Abi.Of(register, half), Transients.Of(register, half), type, m.Alloca(type)));
    }

    ulong Bits(Func<Slot, bool> which) => slots.Values.Where(which).Aggregate(0ul, (all, s) => all | s.Bit);

    /// <summary>The slots of guest registers that an operation writes.</summary>
    ulong Touched(Inst i)
    {
        ulong bits = 0;
        if (i.Op == Op.Rep && i.Detail is Detail.Named n)
            foreach (string register in Repeated(n.Name)) bits |= slots[register].Bit;
        if (i.Op == Op.Set && i.Detail is Detail.Register { Reg: var r })
            for (int half = r.Byte / 16; half <= (r.Byte + i.Printed.Bytes - 1) / 16; half++)
                if (slots[Key(r.Name, half)] is { Crossing: not Crossing.Local } s) bits |= s.Bit;
        return bits;
    }

    LLVMValueRef Read(Slot s) => m.Load(s.Type, s.Home);
    LLVMValueRef Read(string register) => Read(slots[register]);
    void Write(Slot s, LLVMValueRef v) => m.Store(v, s.Home);

    void EnterRegion()
    {
        var live = demand.Before(f.Blocks[0].Label);
        for (int n = 0; n < Abi.In.Count; n++) if (slots[Abi.In[n]] is var s && s.IsIn(live)) Write(s, symbols.Carried(LLVM.GetParam(function, (uint)n), s.Type));
        LoadState(s => s.Crossing == Crossing.Stays && s.IsIn(live));
        LoadFlags(Demand.Flags(live));
        TakeRest(live);
    }

    void LoadState(Func<Slot, bool> which)
    {
        foreach (var s in slots.Values) if (s.Crossing != Crossing.Local && which(s)) Write(s, state.Load(s.Type, s.Offset));
    }

    void StoreState(Func<Slot, bool> which)
    {
        foreach (var s in slots.Values) if (s.Crossing != Crossing.Local && which(s)) state.Store(Read(s), s.Offset);
    }

    /// <summary>What of <paramref name="live"/> crosses in the state.</summary>
    void StoreDirty(Transient live)
    {
        StoreState(s => s.Crossing == Crossing.Stays && (dirty & s.Bit) != 0 && s.IsIn(live));
        StoreFlags(Demand.Flags(live));
    }

    // --- Flags ---

    LLVMValueRef Read(Flag f) => m.Load(m.I1, flags[Index(f)]);
    void Write(Flag f, LLVMValueRef v) => m.Store(v, flags[Index(f)]);
    static int Index(Flag f) => System.Numerics.BitOperations.TrailingZeroCount((int)f);

    void LoadFlags(Flag which)
    {
        for (int n = 0; n < 6; n++)
            if (((int)which >> n & 1) != 0) m.Store(m.Trunc(state.Load(m.I8, GuestState.Flags + n), m.I1), flags[n]);
    }

    void StoreFlags(Flag which)
    {
        for (int n = 0; n < 6; n++) if (((int)which >> n & 1) != 0) state.Store(FlagByte(n), GuestState.Flags + n);
    }

    LLVMValueRef FlagByte(int n) => m.Zext(m.Load(m.I1, flags[n]), m.I8);
}
