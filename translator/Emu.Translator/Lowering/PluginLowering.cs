using Emu.Instrumentation;
using Emu.Ir;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>Numbers of the arrays and streams that the build's plugins use, and the plugins of probes, by name.</summary>
public sealed record PluginData(IReadOnlyDictionary<string, int> Arrays, IReadOnlyDictionary<string, int> Streams, IReadOnlyDictionary<string, string> Probes)
{
    public static readonly PluginData None = new(new Dictionary<string, int>(), new Dictionary<string, int>(), new Dictionary<string, string>());

    public static PluginData Of(Registry r) =>
        new(r.Arrays.Select((name, n) => (name, n)).ToDictionary(a => a.name, a => a.n), r.Streams.ToDictionary(s => s.Name, s => s.Id), r.ProbeOwners);

    /// <summary>All of it as text, for a cache key.</summary>
    public string Describe() => string.Join(' ', Arrays.Concat(Streams).Select(p => $"{p.Key}={p.Value}").Concat(Probes.Select(p => $"{p.Key}={p.Value}")));

    /// <summary>What the core says of a probe (emu_state.probe).</summary>
    public string Words(string probe) => $"probe {probe} of plugin {Probes[probe]}";
}

/// <summary>
/// What passes inserted, as plain code: counters are cells of section emu_counters (with their keys in the parallel section
/// emu_keys), which is thread-local, so that a thread counts alone; streams are bump stores into the thread's buffer, probes are calls.
/// </summary>
public sealed unsafe class PluginLowering
{
    readonly ModuleWriter m;
    readonly StateAccess state;
    readonly PluginData data;
    readonly List<(int Array, ulong Key)> cells = [];
    readonly Dictionary<(int Array, ulong Key, int Twin), int> shared = [];
    readonly Func<string, LLVMTypeRef, LLVMValueRef> cold;
    readonly LLVMValueRef counters;
    readonly bool isShared;

    /// <param name="cold">Declares a core function that is almost never called.</param>
    /// <param name="isShared">The cells are one set for all threads and processes: of code that is met at run time.</param>
    public PluginLowering(ModuleWriter module, StateAccess state, PluginData data, Func<string, LLVMTypeRef, LLVMValueRef> cold, bool isShared)
    {
        (m, this.state, this.data, this.cold, this.isShared) = (module, state, data, cold, isShared);
        // Its size is known at the end: Finish replaces it.
        counters = LLVM.AddGlobal(m.Module, m.I64, "emu_cells_open");
        MakeLocal(counters);
    }

    void MakeLocal(LLVMValueRef cells)
    {
        if (!isShared) LLVM.SetThreadLocalMode(cells, LLVMThreadLocalMode.LLVMLocalExecTLSModel);
    }

    /// <summary>Whether there is nothing to lower.</summary>
    public bool IsEmpty => data.Arrays.Count == 0 && data.Streams.Count == 0;

    /// <summary>The number of another cell of a key: reports add them up.</summary>
    public int NewCell(string array, ulong key)
    {
        cells.Add((data.Arrays[array], key));
        return cells.Count - 1;
    }

    /// <summary>
    /// The address of the module's cells, in a register of its own for who uses it often. LLVM would make each access one with a segment: shorter, but
    /// CPUs do not rename such memory, and a loop waits for its counter (sieve with blocks: 2.1 and 1.5).
    /// </summary>
    public LLVMValueRef Cells() => m.Asm("", "=r,0", false, m.Function(m.Ptr, m.Ptr), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, counters);

    /// <summary>The address of a cell, from that of all.</summary>
    public LLVMValueRef Cell(LLVMValueRef cells, int number) => m.Offset(cells, 8 * number);

    /// <summary>Cells of one key that are used in turn, so that neighbouring blocks need not wait for each other's stores (fib with insns: 1.62 and 1.2).</summary>
    const int Twins = 8;

    /// <summary>Adds to a cell.</summary>
    /// <param name="turn">A number that differs from block to block.</param>
    public void Count(Detail.Cell c, int turn)
    {
        var twin = (data.Arrays[c.Array], c.Key, turn % Twins);
        if (!shared.TryGetValue(twin, out var number)) shared[twin] = number = NewCell(c.Array, c.Key);
        var cell = Cell(counters, number);
        if (isShared)
        {
            state.Plugin(LLVM.BuildAtomicRMW(m.B, LLVMAtomicRMWBinOp.LLVMAtomicRMWBinOpAdd, cell, m.Const((ulong)c.Amount), LLVMAtomicOrdering.LLVMAtomicOrderingMonotonic, 0));
            return;
        }
        state.Plugin(m.Store(m.Add(state.Plugin(m.Load(m.I64, cell)), m.Const((ulong)c.Amount)), cell));
    }

    /// <summary>Bump-stores a record; the buffer always has room, a full one is replaced on the way.</summary>
    public void Append(string stream, ReadOnlySpan<LLVMValueRef> words, LLVMValueRef function)
    {
        int n = data.Streams[stream], at = GuestState.Streams + 16 * n, size = 0;
        foreach (var w in words) size += Size(w);
        LLVMValueRef here = state.Load(m.Ptr, at), end = m.Offset(here, size);
        LLVMBasicBlockRef full = m.Block(function), room = m.Block(function), before = LLVM.GetInsertBlock(m.B);
        m.BrUnlikely(m.Icmp(LLVMIntPredicate.LLVMIntUGT, end, state.Load(m.Ptr, at + 8)), full, room);
        m.At(full);
        var type = m.Function(m.Void, m.I64);
        LLVM.SetInstructionCallConv(m.Call(type, cold("emu_stream_full", type), m.Const((ulong)n)), Abi.PreserveAll);
        var fresh = state.Load(m.Ptr, at);
        m.Br(room);
        m.At(room);
        var p = LLVM.BuildPhi(m.B, m.Ptr, "");
        LLVM.AddIncoming(p, &here, &before, 1);
        LLVM.AddIncoming(p, &fresh, &full, 1);
        int offset = 0;
        foreach (var w in words)
        {
            state.Plugin(m.Store(w, m.Offset(p, offset), 1));
            offset += Size(w);
        }
        state.Store(m.Offset(p, size), at);
    }

    static int Size(LLVMValueRef v) => (int)(LLVM.GetIntTypeWidth(LLVM.TypeOf(v)) + 7) / 8;

    public string Words(string probe) => data.Words(probe);

    /// <summary>Calls a probe: a C function of the plugin, arguments widened to 64 bits. Meanwhile the core knows whose fault a fault is.</summary>
    /// <param name="name">What the core says of it.</param>
    public void Call(string probe, LLVMValueRef name, ReadOnlySpan<LLVMValueRef> words)
    {
        var types = new LLVMTypeRef[words.Length];
        Array.Fill(types, m.I64);
        var type = m.Function(m.Void, types);
        var args = new LLVMValueRef[words.Length];
        for (int k = 0; k < args.Length; k++) args[k] = Size(words[k]) == 8 ? words[k] : m.Zext(words[k], m.I64);
        Runs("$0", "i,~{memory}", name);
        LLVM.SetInstructionCallConv(m.Call(type, m.Declare(probe, type), args), Abi.PreserveAll);
        Runs("$$0", "~{memory}");
    }

    /// <summary>Not a store of LLVM's: what is inlined must stay between the two.</summary>
    void Runs(string probe, string constraints, params LLVMValueRef[] name) =>
        m.Asm($"movq {probe}, %fs:emu_state@TPOFF+{GuestState.Probe}", constraints, true, m.Function(m.Void, [.. name.Select(_ => m.Ptr)]), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, name);

    /// <summary>Defines the module's cells and their keys. Must be called once, after all code.</summary>
    public void Finish()
    {
        if (cells.Count > 0)
        {
            var type = LLVM.ArrayType2(m.I64, (ulong)cells.Count);
            var array = Define("emu_cells", type, m.Null(type), "emu_counters", 8);
            MakeLocal(array);
            LLVM.ReplaceAllUsesWith(counters, array);
            var entry = m.Struct([m.I64, m.I32, m.I32]);
            var keys = cells.Select(k => Key(k.Key, k.Array)).ToArray();
            fixed (LLVMValueRef* p = keys)
                Keep(array, Define("emu_cell_keys", LLVM.ArrayType2(entry, (ulong)keys.Length), LLVM.ConstArray2(entry, p, (ulong)keys.Length), "emu_keys", 16));
        }
        LLVM.DeleteGlobal(counters);
    }

    LLVMValueRef Key(ulong key, int array)
    {
        var fields = stackalloc LLVMValueRef[3] { m.Const(key), m.Const(m.I32, (ulong)array), m.Const(m.I32, 0) };
        return LLVM.ConstStructInContext(m.Context, fields, 3, 0);
    }

    LLVMValueRef Define(string name, LLVMTypeRef type, LLVMValueRef value, string section, uint align)
    {
        var g = LLVM.AddGlobal(m.Module, type, name);
        LLVM.SetInitializer(g, value);
        LLVM.SetLinkage(g, LLVMLinkage.LLVMInternalLinkage);
        LLVM.SetSection(g, section);
        LLVM.SetAlignment(g, align);
        return g;
    }

    /// <summary>The runner's data file names cells by their place: unused ones must stay.</summary>
    void Keep(params ReadOnlySpan<LLVMValueRef> globals)
    {
        fixed (LLVMValueRef* p = globals)
        {
            var used = LLVM.AddGlobal(m.Module, LLVM.ArrayType2(m.Ptr, (ulong)globals.Length), "llvm.compiler.used");
            LLVM.SetLinkage(used, LLVMLinkage.LLVMAppendingLinkage);
            LLVM.SetInitializer(used, LLVM.ConstArray2(m.Ptr, p, (ulong)globals.Length));
            LLVM.SetSection(used, "llvm.metadata");
        }
    }
}

/// <summary>Plugin operations in a region.</summary>
public sealed partial class RegionLowering
{
    void PluginOperation(Inst i)
    {
        bool guarded = i.Detail is Detail.Cell { Guarded: true } or Detail.Symbol { Guarded: true };
        var done = default(LLVMBasicBlockRef);
        if (guarded)
        {
            var then = m.Block(function);
            done = m.Block(function);
            m.Br(Arg(i, 0), then, done);
            m.At(then);
        }
        LLVMValueRef[] words = [.. Enumerable.Range(guarded ? 1 : 0, i.Args.Length - (guarded ? 1 : 0)).Select(n => Arg(i, n))];
        switch (i.Detail)
        {
            case Detail.Cell c when Accumulate(c): break;
            case Detail.Cell c: symbols.Plugins.Count(c, turn); break;
            case Detail.Symbol s when i.Op == Op.Append: symbols.Plugins.Append(s.Name, words, function); break;
            case Detail.Symbol s: symbols.Plugins.Call(s.Name, symbols.Text(symbols.Plugins.Words(s.Name)), words); break;
        }
        if (!guarded) return;
        m.Br(done);
        m.At(done);
    }
}
