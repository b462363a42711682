using Emu.Ir;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>
/// The code between regions and the C core, written from the convention in <see cref="Abi"/>: <c>emu_enter</c> (C calls a region),
/// and regions that stand for the core: <c>emu_leave</c>, and for each core function a thunk that puts every guest register into
/// the state, calls it and takes them back. So a system call is for generated code what a guest call is.
/// </summary>
public sealed class Bridges
{
    readonly ModuleWriter m;
    readonly StateAccess state;
    readonly ModuleSymbols symbols;
    readonly LLVMTypeRef action;

    /// <summary>Core functions without arguments that generated code reaches: <c>emu_thunk_NAME</c> calls <c>emu_NAME</c>.</summary>
    public static readonly IReadOnlyList<string> Names = ["syscall", "syscall_watched", "deliver", "trapped", "helper_cpuid", "helper_xgetbv", "helper_int80", "helper_image", "vsyscall"];

    /// <summary>The region that stands at the entry of another one whose PC is in the state: the core's <c>emu_safepoint</c>, then that region.</summary>
    public const string EnterThunk = "emu_thunk_enter";

    /// <summary>The region that leaves with rip and registers as they are in the state.</summary>
    public const string Resume = "emu_resume";

    public static string Thunk(string name) => $"emu_thunk_{name}";

    Bridges(ModuleSymbols symbols) => (this.symbols, m, state, action) = (symbols, symbols.Module, symbols.State, symbols.ActionType);

    /// <summary>Adds all of them to a module.</summary>
    public static void Write(ModuleSymbols symbols)
    {
        var b = new Bridges(symbols);
        b.Enter();
        b.Region("emu_leave", call: null);
        b.EnterAgain();
        b.LeaveAsStateSays();
        b.Keep();
        foreach (var name in Names) b.Region(Thunk(name), $"emu_{name}");
    }

    /// <summary><c>void emu_enter(void *region)</c>: state to registers, call, registers to state.</summary>
    void Enter()
    {
        var f = LLVM.AddFunction(m.Module, "emu_enter", m.Function(m.Void, m.Ptr));
        m.At(m.Block(f));
        var result = symbols.Call(LLVM.GetParam(f, 0), Arguments());
        for (int n = 0; n < Abi.Out.Count; n++) Store(Abi.Out[n], m.ExtractValue(result, n));
        LLVM.BuildRetVoid(m.B);
    }

    /// <summary>A region that calls the core, or nothing, and leaves with rip and registers as the state then says.</summary>
    void Region(string name, string? call)
    {
        var f = symbols.Region(name);
        m.At(m.Block(f));
        for (int n = 0; n < Abi.In.Count; n++) Store(Abi.In[n], LLVM.GetParam(f, (uint)n));
        if (call != null) m.Call(action, m.Declare(call, action));
        Return();
    }

    /// <summary>Stores everything, calls <c>emu_safepoint</c>, goes on at the region of rip if that is still the one, else leaves.</summary>
    void EnterAgain()
    {
        var f = symbols.Region(EnterThunk);
        m.At(m.Block(f));
        for (int n = 0; n < Abi.In.Count; n++) Store(Abi.In[n], LLVM.GetParam(f, (uint)n));
        var before = Load(Abi.Rip);
        m.Call(action, m.Declare("emu_safepoint", action));
        LLVMBasicBlockRef leave = m.Block(f), enter = m.Block(f);
        m.BrUnlikely(m.Icmp(LLVMIntPredicate.LLVMIntNE, Load(Abi.Rip), before), leave, enter);
        m.At(leave);
        Return();
        m.At(enter);
        var region = m.Call(symbols.LookupType, symbols.Lookup(everything: true), before);
        LLVM.SetInstructionCallConv(region, Abi.PreserveAll);
        symbols.TailCall(region, Arguments());
    }

    /// <summary><c>emu_keep</c>: puts what travels into the state, for emu_visit (visit.S).</summary>
    void Keep()
    {
        var f = LLVM.AddFunction(m.Module, "emu_keep", m.Function(m.Void, symbols.TypesOf(Abi.In)));
        LLVM.SetFunctionCallConv(f, Abi.Regcall);
        m.At(m.Block(f));
        for (int n = 0; n < Abi.In.Count; n++) Store(Abi.In[n], LLVM.GetParam(f, (uint)n));
        LLVM.BuildRetVoid(m.B);
    }

    void LeaveAsStateSays()
    {
        m.At(m.Block(symbols.Region(Resume)));
        Return();
    }

    void Return()
    {
        var result = m.Poison(symbols.ResultType);
        foreach (var (n, register) in Abi.Out.Index()) result = m.InsertValue(result, symbols.Carry(Load(register), n), n);
        LLVM.BuildRet(m.B, result);
    }

    LLVMValueRef[] Arguments() => [.. Abi.In.Select((r, n) => symbols.Carry(Load(r), n))];
    LLVMTypeRef TypeOf(string register) => register[0] == 'y' ? m.Vector(m.I64, 2) : m.I64;
    LLVMValueRef Load(string register) => state.Load(TypeOf(register), Offset(register));
    void Store(string register, LLVMValueRef v) => state.Store(symbols.Carried(v, TypeOf(register)), Offset(register));
    static int Offset(string register) => register == Abi.Rip ? GuestState.Rip : GuestState.Offset(register);
}
