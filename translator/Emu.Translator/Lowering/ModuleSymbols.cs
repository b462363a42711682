using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>What a module's regions refer to: other regions, the core's functions, the dispatch table, plugin data.</summary>
public sealed unsafe class ModuleSymbols
{
    /// <param name="sharesCells">Counters are not per thread: of code that is met at run time.</param>
    public ModuleSymbols(ModuleWriter m, PluginData plugins, bool sharesCells = false)
    {
        Module = m;
        State = new(m);
        Debug = new(m);
        Plugins = new(m, State, plugins, Cold, sharesCells);
        ResultType = m.Struct(TypesOf(Abi.Out));
        RegionType = m.Function(ResultType, TypesOf(Abi.In));
        LookupType = m.Function(m.Ptr, m.I64);
        ActionType = m.Function(m.Void);
        // A frame of 8 bytes less for each guest call: what regions call realigns (EMU_ENTRY in emu.h).
        m.AddFlag(LLVMModuleFlagBehavior.LLVMModuleFlagBehaviorError, "override-stack-alignment", 8);
    }

    public ModuleWriter Module { get; }
    public StateAccess State { get; }
    public DebugLines Debug { get; }
    public PluginLowering Plugins { get; }
    public LLVMTypeRef ResultType { get; }
    public LLVMTypeRef RegionType { get; }
    public LLVMTypeRef LookupType { get; }
    public LLVMTypeRef ActionType { get; }

    public const string RegionPrefix = "emu_r_";

    /// <summary>The name of a root's function.</summary>
    public static string RegionName(ulong root) => $"{RegionPrefix}{root:x}";

    /// <summary>The types in which registers travel: a double is a general register in a vector register of the host.</summary>
    public LLVMTypeRef[] TypesOf(IReadOnlyList<string> registers) =>
        [.. registers.Select((r, n) => r[0] == 'y' ? Module.Vector(Module.I64, 2) : Abi.IsInVector(n) ? Double : Module.I64)];

    LLVMTypeRef Double => LLVM.DoubleTypeInContext(Module.Context);

    /// <summary>A register's value in the type in which it travels, as the n-th.</summary>
    public LLVMValueRef Carry(LLVMValueRef v, int n) => Abi.IsInVector(n) && LLVM.TypeOf(v) == Module.I64 ? Module.Bits(v, Double) : v;

    /// <summary>The value of a register of type <paramref name="type"/> that travelled.</summary>
    public LLVMValueRef Carried(LLVMValueRef v, LLVMTypeRef type) => Module.Bits(v, type);

    /// <summary>The function of a root, in this module or another.</summary>
    public LLVMValueRef Region(ulong root) => Region(RegionName(root));

    public LLVMValueRef Region(string name)
    {
        var f = LLVM.GetNamedFunction(Module.Module, name);
        if (f.Handle != 0) return f;
        f = LLVM.AddFunction(Module.Module, name, RegionType);
        LLVM.SetFunctionCallConv(f, Abi.Regcall);
        LLVM.SetVisibility(f, LLVMVisibility.LLVMHiddenVisibility);
        // Library calls must not be invented from guest loops; guest code does not unwind host frames.
        foreach (var a in new[] { "nounwind", "no-builtins", Abi.KeepsNothing }) Module.AddAttribute(f, a);
        // Without C code in it nothing in a frame needs more than what the frame has.
        if (!Module.HasProbes) Module.AddAttribute(f, "no-realign-stack");
        return f;
    }

    /// <summary>Calls a region, known or not.</summary>
    public LLVMValueRef Call(LLVMValueRef region, LLVMValueRef[] arguments)
    {
        var result = Module.Call(RegionType, region, arguments);
        LLVM.SetInstructionCallConv(result, Abi.Regcall);
        Module.AddCallAttribute(result, Abi.KeepsNothing);
        LLVM.SetTailCallKind(result, LLVMTailCallKind.LLVMTailCallKindNoTail);
        return result;
    }

    /// <summary>Goes on in a region, and ends the block.</summary>
    public void TailCall(LLVMValueRef region, LLVMValueRef[] arguments)
    {
        var result = Call(region, arguments);
        LLVM.SetTailCallKind(result, LLVMTailCallKind.LLVMTailCallKindMustTail);
        LLVM.BuildRet(Module.B, result);
    }

    /// <summary>The slow path of an indirect branch that hands over some or all of the transient state; some is enough for a call otherwise.</summary>
    public LLVMValueRef Lookup(bool everything, bool isCall = false) => Cold(everything ? "emu_lookup_everything" : isCall ? "emu_lookup_called" : "emu_lookup", LookupType);

    /// <summary>The byte that says whether the region is valid: one for each region translated at run time.</summary>
    public LLVMValueRef Valid => Global("emu_valid_cell");

    /// <summary>A core function that is almost never called.</summary>
    public LLVMValueRef Cold(string name, LLVMTypeRef type)
    {
        var f = Module.Declare(name, type);
        LLVM.SetFunctionCallConv(f, Abi.PreserveAll);
        Module.AddAttribute(f, "cold");
        return f;
    }

    public LLVMValueRef DispatchTable => Global("emu_dispatch_table");

    /// <summary>
    /// The offset in the table that a hash stands for. The mask, the table's size in bytes less one entry, is an absolute symbol, so that objects do not
    /// depend on the size; LLVM would put it into a register first.
    /// </summary>
    public LLVMValueRef MaskedForDispatch(LLVMValueRef hash) =>
        Module.Asm("andl $$emu_dispatch_mask, ${0:k}", "=r,0", false, Module.Function(Module.I64, Module.I64), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, hash);

    /// <summary>Must be called once, after the last function.</summary>
    public void Finish()
    {
        Plugins.Finish();
        Debug.Finish();
    }

    public LLVMValueRef Global(string name)
    {
        var g = LLVM.GetNamedGlobal(Module.Module, name);
        if (g.Handle != 0) return g;
        g = LLVM.AddGlobal(Module.Module, LLVM.ArrayType2(Module.I8, 0), name);
        LLVM.SetVisibility(g, LLVMVisibility.LLVMHiddenVisibility);
        return g;
    }

    /// <summary>A NUL-terminated constant.</summary>
    public LLVMValueRef Text(string s)
    {
        var name = "emu_text_" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(s)))[..16];
        var g = LLVM.GetNamedGlobal(Module.Module, name);
        if (g.Handle != 0) return g;
        var bytes = LLVM.ConstStringInContext2(Module.Context, s, (nuint)System.Text.Encoding.UTF8.GetByteCount(s), 0);
        g = LLVM.AddGlobal(Module.Module, LLVM.TypeOf(bytes), name);
        LLVM.SetInitializer(g, bytes);
        LLVM.SetGlobalConstant(g, 1);
        LLVM.SetLinkage(g, LLVMLinkage.LLVMPrivateLinkage);
        return g;
    }

    public LLVMValueRef Phi(LLVMTypeRef type, params ReadOnlySpan<(LLVMValueRef Value, LLVMBasicBlockRef From)> edges)
    {
        var phi = LLVM.BuildPhi(Module.B, type, "");
        foreach (var (v, from) in edges) AddIncoming(phi, v, from);
        return phi;
    }

    public void AddIncoming(LLVMValueRef phi, LLVMValueRef v, LLVMBasicBlockRef from) => LLVM.AddIncoming(phi, &v, &from, 1);
}
