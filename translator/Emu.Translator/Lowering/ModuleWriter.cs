using LLVMSharp.Interop;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Lowering;

/// <summary>An LLVM module being written: types, constants and the instructions that lowering uses, without ceremony.</summary>
public sealed unsafe class ModuleWriter : IDisposable
{
    static readonly sbyte* noName = (sbyte*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(8);

    readonly Dictionary<(string, LLVMTypeRef), LLVMValueRef> asm = [];

    public ModuleWriter(string name)
    {
        Context = LLVM.ContextCreate();
        Module = LLVM.ModuleCreateWithNameInContext(name, Context);
        B = LLVM.CreateBuilderInContext(Context);
        Void = LLVM.VoidTypeInContext(Context);
        Ptr = LLVM.PointerTypeInContext(Context, 0);
        (I1, I8, I32, I64) = (Int(1), Int(8), Int(32), Int(64));
    }

    /// <summary>Whether it has C functions to inline.</summary>
    public bool HasProbes { get; init; }

    /// <summary>What regions call to visit the core that hand over more than anybody reads (see <see cref="Sinking"/>).</summary>
    public HashSet<LLVMValueRef> Visits { get; } = [];

    public LLVMContextRef Context { get; }
    public LLVMModuleRef Module { get; }
    public LLVMBuilderRef B { get; }
    public LLVMTypeRef Void { get; }
    public LLVMTypeRef Ptr { get; }
    public LLVMTypeRef I1 { get; }
    public LLVMTypeRef I8 { get; }
    public LLVMTypeRef I32 { get; }
    public LLVMTypeRef I64 { get; }

    public void Dispose()
    {
        LLVM.DisposeBuilder(B);
        LLVM.DisposeModule(Module);
        LLVM.ContextDispose(Context);
    }

    public LLVMTypeRef Int(int bits) => LLVM.IntTypeInContext(Context, (uint)bits);

    /// <summary>The LLVM type of an IR type.</summary>
    public LLVMTypeRef Type(IrType t)
    {
        var lane = !t.IsFloat ? Int(t.Bits)
            : t.Bits == 32 ? LLVM.FloatTypeInContext(Context)
            : LLVM.DoubleTypeInContext(Context);
        return t.IsVector ? LLVM.VectorType(lane, (uint)t.Lanes) : lane;
    }

    public LLVMTypeRef Vector(LLVMTypeRef lane, int lanes) => LLVM.VectorType(lane, (uint)lanes);
    public LLVMTypeRef Struct(ReadOnlySpan<LLVMTypeRef> fields) { fixed (LLVMTypeRef* p = fields) return LLVM.StructTypeInContext(Context, p, (uint)fields.Length, 0); }
    public LLVMTypeRef Function(LLVMTypeRef result, params ReadOnlySpan<LLVMTypeRef> args) { fixed (LLVMTypeRef* p = args) return LLVM.FunctionType(result, p, (uint)args.Length, 0); }

    public LLVMValueRef Const(LLVMTypeRef t, ulong v) => LLVM.ConstInt(t, v, 0);
    public LLVMValueRef Const(ulong v) => LLVM.ConstInt(I64, v, 0);

    /// <summary>A constant of any IR type from its bit pattern.</summary>
    public LLVMValueRef Const(IrType t, UInt128 bits)
    {
        var words = stackalloc ulong[2] { (ulong)bits, (ulong)(bits >> 64) };
        var whole = LLVM.ConstIntOfArbitraryPrecision(Int(t.TotalBits), 2, words);
        return t.IsVector || t.IsFloat ? LLVM.ConstBitCast(whole, Type(t)) : whole;
    }

    public LLVMValueRef Null(LLVMTypeRef t) => LLVM.ConstNull(t);
    public LLVMValueRef Poison(LLVMTypeRef t) => LLVM.GetPoison(t);

    public LLVMValueRef Add(LLVMValueRef a, LLVMValueRef b) => LLVM.BuildAdd(B, a, b, noName);
    public LLVMValueRef Sub(LLVMValueRef a, LLVMValueRef b) => LLVM.BuildSub(B, a, b, noName);
    public LLVMValueRef And(LLVMValueRef a, LLVMValueRef b) => LLVM.BuildAnd(B, a, b, noName);
    public LLVMValueRef Or(LLVMValueRef a, LLVMValueRef b) => LLVM.BuildOr(B, a, b, noName);
    public LLVMValueRef Xor(LLVMValueRef a, LLVMValueRef b) => LLVM.BuildXor(B, a, b, noName);
    public LLVMValueRef RotateLeft(LLVMValueRef a, int bits) => Intrinsic("llvm.fshl", LLVM.TypeOf(a), a, a, Const(LLVM.TypeOf(a), (ulong)bits));
    public LLVMValueRef Shl(LLVMValueRef a, LLVMValueRef b) => LLVM.BuildShl(B, a, b, noName);
    public LLVMValueRef Shr(LLVMValueRef a, LLVMValueRef b) => LLVM.BuildLShr(B, a, b, noName);
    public LLVMValueRef Binary(LLVMOpcode op, LLVMValueRef a, LLVMValueRef b) => LLVM.BuildBinOp(B, op, a, b, noName);
    public LLVMValueRef Not(LLVMValueRef a) => LLVM.BuildNot(B, a, noName);
    public LLVMValueRef Icmp(LLVMIntPredicate p, LLVMValueRef a, LLVMValueRef b) => LLVM.BuildICmp(B, p, a, b, noName);
    public LLVMValueRef Fcmp(LLVMRealPredicate p, LLVMValueRef a, LLVMValueRef b) => LLVM.BuildFCmp(B, p, a, b, noName);
    public LLVMValueRef Select(LLVMValueRef c, LLVMValueRef a, LLVMValueRef b) => LLVM.BuildSelect(B, c, a, b, noName);
    public LLVMValueRef Zext(LLVMValueRef v, LLVMTypeRef t) => LLVM.BuildZExt(B, v, t, noName);
    public LLVMValueRef Sext(LLVMValueRef v, LLVMTypeRef t) => LLVM.BuildSExt(B, v, t, noName);
    public LLVMValueRef Trunc(LLVMValueRef v, LLVMTypeRef t) => LLVM.BuildTrunc(B, v, t, noName);
    public LLVMValueRef Bits(LLVMValueRef v, LLVMTypeRef t) => LLVM.TypeOf(v) == t ? v : LLVM.BuildBitCast(B, v, t, noName);
    public LLVMValueRef ToPtr(LLVMValueRef v, uint space = 0) => LLVM.BuildIntToPtr(B, v, space == 0 ? Ptr : LLVM.PointerTypeInContext(Context, space), noName);
    public LLVMValueRef FromPtr(LLVMValueRef p) => LLVM.BuildPtrToInt(B, p, I64, noName);
    public LLVMValueRef Alloca(LLVMTypeRef t) => LLVM.BuildAlloca(B, t, noName);

    /// <summary>A plain load with the natural alignment unless given.</summary>
    public LLVMValueRef Load(LLVMTypeRef t, LLVMValueRef p, uint align = 0) { var v = LLVM.BuildLoad2(B, t, p, noName); if (align != 0) LLVM.SetAlignment(v, align); return v; }
    public LLVMValueRef Store(LLVMValueRef v, LLVMValueRef p, uint align = 0) { var s = LLVM.BuildStore(B, v, p); if (align != 0) LLVM.SetAlignment(s, align); return s; }
    public LLVMValueRef Offset(LLVMValueRef p, LLVMValueRef bytes) => LLVM.BuildGEP2(B, I8, p, &bytes, 1, noName);
    public LLVMValueRef Offset(LLVMValueRef p, int bytes) => bytes == 0 ? p : Offset(p, Const((ulong)bytes));

    public LLVMValueRef ExtractElement(LLVMValueRef v, int n) => LLVM.BuildExtractElement(B, v, Const(I32, (ulong)n), noName);
    public LLVMValueRef InsertElement(LLVMValueRef v, LLVMValueRef e, int n) => LLVM.BuildInsertElement(B, v, e, Const(I32, (ulong)n), noName);
    public LLVMValueRef ExtractValue(LLVMValueRef v, int n) => LLVM.BuildExtractValue(B, v, (uint)n, noName);
    public LLVMValueRef InsertValue(LLVMValueRef v, LLVMValueRef e, int n) => LLVM.BuildInsertValue(B, v, e, (uint)n, noName);

    public LLVMValueRef Shuffle(LLVMValueRef a, LLVMValueRef b, IReadOnlyList<int> lanes)
    {
        Span<LLVMValueRef> mask = stackalloc LLVMValueRef[lanes.Count];
        for (int n = 0; n < mask.Length; n++) mask[n] = Const(I32, (ulong)lanes[n]);
        fixed (LLVMValueRef* p = mask) return LLVM.BuildShuffleVector(B, a, b, LLVM.ConstVector(p, (uint)mask.Length), noName);
    }

    public LLVMValueRef Call(LLVMTypeRef type, LLVMValueRef f, params ReadOnlySpan<LLVMValueRef> args) { fixed (LLVMValueRef* p = args) return LLVM.BuildCall2(B, type, f, p, (uint)args.Length, noName); }

    /// <summary>Calls an intrinsic overloaded on one type.</summary>
    public LLVMValueRef Intrinsic(string name, LLVMTypeRef overload, params ReadOnlySpan<LLVMValueRef> args)
    {
        uint id = LLVM.LookupIntrinsicID(name, (nuint)name.Length);
        var f = LLVM.GetIntrinsicDeclaration(Module, id, &overload, 1);
        return Call(LLVM.IntrinsicGetType(Context, id, &overload, 1), f, args);
    }

    /// <summary>Calls inline assembly.</summary>
    public LLVMValueRef Asm(string template, string constraints, bool sideEffects, LLVMTypeRef type, LLVMInlineAsmDialect dialect, params ReadOnlySpan<LLVMValueRef> args)
    {
        var key = ($"{template}|{constraints}|{sideEffects}", type);
        if (!asm.TryGetValue(key, out var f))
            asm[key] = f = LLVM.GetInlineAsm(type, template, (nuint)template.Length, constraints, (nuint)constraints.Length, sideEffects ? 1 : 0, 0, dialect, 0);
        return Call(type, f, args);
    }

    public LLVMBasicBlockRef Block(LLVMValueRef f) => LLVM.AppendBasicBlockInContext(Context, f, noName);
    public void At(LLVMBasicBlockRef b) => LLVM.PositionBuilderAtEnd(B, b);
    public void Br(LLVMBasicBlockRef to) => LLVM.BuildBr(B, to);
    public void Br(LLVMValueRef c, LLVMBasicBlockRef then, LLVMBasicBlockRef otherwise) => LLVM.BuildCondBr(B, c, then, otherwise);

    /// <summary>A conditional branch whose first target is almost never taken.</summary>
    public void BrUnlikely(LLVMValueRef c, LLVMBasicBlockRef rare, LLVMBasicBlockRef usual)
    {
        var br = LLVM.BuildCondBr(B, c, rare, usual);
        SetMetadata(br, "prof", MdString("branch_weights"), MdConst(1), MdConst(100000));
    }

    /// <summary>The named function, declared at first use.</summary>
    public LLVMValueRef Declare(string name, LLVMTypeRef type)
    {
        var f = LLVM.GetNamedFunction(Module, name);
        return f.Handle != 0 ? f : LLVM.AddFunction(Module, name, type);
    }

    public LLVMMetadataRef MdString(string s) => LLVM.MDStringInContext2(Context, s, (nuint)s.Length);
    public LLVMMetadataRef MdConst(ulong v) => LLVM.ValueAsMetadata(Const(I32, v));
    public LLVMMetadataRef MdNode(params ReadOnlySpan<LLVMMetadataRef> parts) { fixed (LLVMMetadataRef* p = parts) return LLVM.MDNodeInContext2(Context, p, (nuint)parts.Length); }

    public void SetMetadata(LLVMValueRef v, string kind, params ReadOnlySpan<LLVMMetadataRef> parts) => SetMetadata(v, Kind(kind), LLVM.MetadataAsValue(Context, MdNode(parts)));
    public void SetMetadata(LLVMValueRef v, uint kind, LLVMValueRef node) => LLVM.SetMetadata(v, kind, node);
    public uint Kind(string name) => LLVM.GetMDKindIDInContext(Context, name, (uint)name.Length);

    public void AddFlag(LLVMModuleFlagBehavior merge, string name, ulong value) => LLVM.AddModuleFlag(Module, merge, name, (nuint)name.Length, MdConst(value));

    public void AddAttribute(LLVMValueRef f, string name, string value = "") => LLVM.AddAttributeAtIndex(f, FunctionIndex, Attribute(name, value));
    public void AddCallAttribute(LLVMValueRef call, string name) => LLVM.AddCallSiteAttribute(call, FunctionIndex, Attribute(name, ""));

    LLVMAttributeRef Attribute(string name, string value)
    {
        uint id = LLVM.GetEnumAttributeKindForName(name, (nuint)name.Length);
        return id != 0 ? LLVM.CreateEnumAttribute(Context, id, 0) : LLVM.CreateStringAttribute(Context, name, (uint)name.Length, value, (uint)value.Length);
    }

    /// <summary>What an indirect operand of inline assembly points to.</summary>
    public void SetElementType(LLVMValueRef call, int argument, LLVMTypeRef t)
    {
        const string name = "elementtype";
        LLVM.AddCallSiteAttribute(call, (LLVMAttributeIndex)(argument + 1), LLVM.CreateTypeAttribute(Context, LLVM.GetEnumAttributeKindForName(name, (nuint)name.Length), t));
    }

    static readonly LLVMAttributeIndex FunctionIndex = unchecked((LLVMAttributeIndex)(-1));

    /// <summary>The module as text.</summary>
    public string Print()
    {
        var s = LLVM.PrintModuleToString(Module);
        string text = System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)s)!;
        LLVM.DisposeMessage(s);
        return text;
    }
}
