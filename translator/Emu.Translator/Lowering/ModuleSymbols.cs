using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>What a module's regions refer to: other regions, the core's functions, the dispatch table, plugin data.</summary>
public sealed unsafe class ModuleSymbols
{
    public ModuleSymbols(ModuleWriter m, PluginData plugins)
    {
        Module = m;
        State = new(m);
        Debug = new(m);
        Plugins = new(m, State, plugins);
        Span<LLVMTypeRef> eleven = stackalloc LLVMTypeRef[11];
        eleven.Fill(m.I64);
        ResultType = m.Struct(eleven);
        RegionType = m.Function(ResultType, eleven);
        LookupType = m.Function(m.Ptr, m.I64);
        ActionType = m.Function(m.Void);
        TrapType = m.Function(m.Void, m.I64, m.I64, m.Ptr);
    }

    public ModuleWriter Module { get; }
    public StateAccess State { get; }
    public DebugLines Debug { get; }
    public PluginLowering Plugins { get; }
    public LLVMTypeRef ResultType { get; }
    public LLVMTypeRef RegionType { get; }
    public LLVMTypeRef LookupType { get; }
    public LLVMTypeRef ActionType { get; }
    public LLVMTypeRef TrapType { get; }

    /// <summary>The name of a root's function.</summary>
    public static string RegionName(ulong root) => $"emu_r_{root:x}";

    /// <summary>The function of a root, in this module or another.</summary>
    public LLVMValueRef Region(ulong root)
    {
        string name = RegionName(root);
        var f = LLVM.GetNamedFunction(Module.Module, name);
        if (f.Handle != 0) return f;
        f = LLVM.AddFunction(Module.Module, name, RegionType);
        LLVM.SetFunctionCallConv(f, Abi.Regcall);
        LLVM.SetVisibility(f, LLVMVisibility.LLVMHiddenVisibility);
        // Library calls must not be invented from guest loops; guest code does not unwind host frames.
        foreach (var a in new[] { "nounwind", "no-builtins" }) Module.AddAttribute(f, a);
        return f;
    }

    public LLVMValueRef Lookup => Declared("emu_lookup", LookupType, cold: true);

    public LLVMValueRef Trap
    {
        get
        {
            var f = Declared("emu_trap", TrapType, cold: false);
            Module.AddAttribute(f, "noreturn");
            Module.AddAttribute(f, "cold");
            return f;
        }
    }

    LLVMValueRef Declared(string name, LLVMTypeRef type, bool cold)
    {
        var f = Module.Declare(name, type);
        if (cold) { LLVM.SetFunctionCallConv(f, Abi.PreserveMost); Module.AddAttribute(f, "cold"); }
        return f;
    }

    public LLVMValueRef DispatchTable => Global("emu_dispatch_table");

    /// <summary>Slots - 1: the value of an absolute symbol, so that objects do not depend on the table's size.</summary>
    public LLVMValueRef DispatchMask
    {
        get
        {
            var g = Global("emu_dispatch_mask");
            var range = Module.MdNode(LLVM.ValueAsMetadata(Module.Const(0)), LLVM.ValueAsMetadata(Module.Const(1u << 31)));
            LLVM.GlobalSetMetadata(g, Module.Kind("absolute_symbol"), range);
            return LLVM.ConstPtrToInt(g, Module.I64);
        }
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
        foreach (var (v, from) in edges) LLVM.AddIncoming(phi, &v, &from, 1);
        return phi;
    }
}
