using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>DWARF line tables in which the line is the guest PC: how a fault in host code finds its guest instruction.</summary>
public sealed unsafe class DebugLines
{
    readonly ModuleWriter m;
    readonly LLVMDIBuilderRef builder;
    readonly LLVMMetadataRef file, type;
    LLVMMetadataRef scope;

    public DebugLines(ModuleWriter module)
    {
        m = module;
        builder = LLVM.CreateDIBuilder(m.Module);
        file = LLVM.DIBuilderCreateFile(builder, "guest", 5, "", 0);
        LLVM.DIBuilderCreateCompileUnit(builder, LLVMDWARFSourceLanguage.LLVMDWARFSourceLanguageC, file, "emu", 3, 1, "", 0, 0, "", 0,
            LLVMDWARFEmissionKind.LLVMDWARFEmissionLineTablesOnly, 0, 0, 0, "", 0, "", 0);
        type = LLVM.DIBuilderCreateSubroutineType(builder, file, null, 0, 0);
        Flag("Debug Info Version", 3);
        Flag("Dwarf Version", 5);
    }

    void Flag(string name, ulong value) => m.AddFlag(LLVMModuleFlagBehavior.LLVMModuleFlagBehaviorWarning, name, value);

    /// <summary>Starts a function.</summary>
    public void Enter(LLVMValueRef function, ulong root)
    {
        scope = LLVM.DIBuilderCreateFunction(builder, file, "r", 1, "", 0, file, (uint)root, type, 1, 1, (uint)root, 0, 1);
        LLVM.SetSubprogram(function, scope);
        At(root);
    }

    /// <summary>What is built from now on belongs to the guest instruction at <paramref name="pc"/>; null: it cannot fault, and needs no place.</summary>
    public void At(ulong? pc) => LLVM.SetCurrentDebugLocation2(m.B, pc is { } line ? LLVM.DIBuilderCreateDebugLocation(m.Context, (uint)line, 0, scope, default) : default);

    /// <summary>Must be called before the module is used.</summary>
    public void Finish()
    {
        LLVM.DIBuilderFinalize(builder);
        LLVM.DisposeDIBuilder(builder);
    }
}
