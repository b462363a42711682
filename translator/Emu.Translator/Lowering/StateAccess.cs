using Emu.Ir;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>
/// Accesses to the thread's state struct, and the metadata that tells LLVM that guest memory, the state and plugin data never overlap.
/// </summary>
public sealed class StateAccess
{
    readonly ModuleWriter m;
    readonly LLVMValueRef state, guestScope, stateScope, pluginScope, notGuest, notState, notPlugin;
    readonly uint aliasScope, noAlias;

    public StateAccess(ModuleWriter module)
    {
        m = module;
        state = LLVM.AddGlobal(m.Module, LLVM.ArrayType2(m.I8, GuestState.Size), "emu_state");
        LLVM.SetThreadLocalMode(state, LLVMThreadLocalMode.LLVMLocalExecTLSModel);
        LLVM.SetAlignment(state, 64);
        (aliasScope, noAlias) = (m.Kind("alias.scope"), m.Kind("noalias"));
        var domain = m.MdNode(m.MdString("emu"));
        var scopes = new[] { "guest", "state", "plugin" }.Select(n => m.MdNode(m.MdString(n), domain)).ToArray();
        (guestScope, stateScope, pluginScope) = (Value(scopes[0]), Value(scopes[1]), Value(scopes[2]));
        (notGuest, notState, notPlugin) = (Value(scopes[1], scopes[2]), Value(scopes[0], scopes[2]), Value(scopes[0], scopes[1]));
    }

    LLVMValueRef Value(params ReadOnlySpan<LLVMMetadataRef> nodes) => LLVM.MetadataAsValue(m.Context, m.MdNode(nodes));

    /// <summary>The address of a byte of the state.</summary>
    public LLVMValueRef Address(int offset) => m.Offset(state, offset);

    public LLVMValueRef Load(LLVMTypeRef t, int offset) => State(m.Load(t, Address(offset), Alignment(offset)));

    public void Store(LLVMValueRef v, int offset) => State(m.Store(v, Address(offset), Alignment(offset)));

    /// <summary>The address of the state, in a register: an access with a segment is longer, and waits for the last store.</summary>
    public LLVMValueRef InRegister() => m.Asm("", "=r,0", false, m.Function(m.Ptr, m.Ptr), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, state);

    /// <summary>A store for somebody who looks in between: LLVM must not see that a later one makes it useless.</summary>
    public void StoreAt(LLVMValueRef address, LLVMValueRef v, int offset) => LLVM.SetVolatile(State(m.Store(v, m.Offset(address, offset), Alignment(offset))), 1);

    static uint Alignment(int offset) => 1u << Math.Min(5, System.Numerics.BitOperations.TrailingZeroCount(offset | 64));

    /// <summary>Marks an access as one of guest memory: volatile, because other threads and devices see each of them.</summary>
    public LLVMValueRef Guest(LLVMValueRef access, bool isVolatile = true)
    {
        if (isVolatile) LLVM.SetVolatile(access, 1);
        return Mark(access, guestScope, notGuest);
    }

    public LLVMValueRef State(LLVMValueRef access) => Mark(access, stateScope, notState);
    public LLVMValueRef Plugin(LLVMValueRef access) => Mark(access, pluginScope, notPlugin);

    LLVMValueRef Mark(LLVMValueRef access, LLVMValueRef scope, LLVMValueRef others)
    {
        m.SetMetadata(access, aliasScope, scope);
        m.SetMetadata(access, noAlias, others);
        return access;
    }
}
