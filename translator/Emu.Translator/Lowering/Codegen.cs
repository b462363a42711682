using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>Module to optimised module to object file.</summary>
public static unsafe class Codegen
{
    /// <summary>The passes of each level. Short on purpose: most of LLVM's default pipeline finds nothing in lifted code.</summary>
    static readonly string[] pipelines =
    [
        "function(mem2reg)",
        "function(mem2reg,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg)",
        "function(mem2reg,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,early-cse<memssa>,instcombine<no-verify-fixpoint>,dse)",
        "default<O2>",
    ];

    public const int DefaultLevel = 2;
    const string Triple = "x86_64-unknown-linux-gnu";

    static readonly Lazy<LLVMTargetRef> target = new(() =>
    {
        LLVM.InitializeX86TargetInfo();
        LLVM.InitializeX86Target();
        LLVM.InitializeX86TargetMC();
        LLVM.InitializeX86AsmPrinter();
        LLVM.InitializeX86AsmParser();
        SetOptions(options);
        LLVMTargetRef t;
        sbyte* error;
        if (LLVM.GetTargetFromTriple(Triple, &t, &error) != 0) throw new InvalidOperationException(Take(error));
        return t;
    });

    /// <summary>What LLVM 19's code generator must not do here.</summary>
    static readonly string[] options =
    [
        // A region's result takes every vector register. The machine scheduler moves the copies into them up, and none is left to compute
        // with: "ran out of registers during register allocation" (tests/lift: blendvps xmm15,[rsi]).
        "-enable-misched=false",
        // Without liveness of parts of registers it forgets that mov ax,[rax] keeps the rest of rax (the kill of the address stands for the
        // use of the rest), and both of these take that away. With -enable-subreg-liveness the code is right, but the compiler crashes on busybox.
        "-disable-copyprop", "-fixup-byte-word-insts=false",
        // A cmov from memory loads, and faults, whatever its condition: it must not become a branch around the load (cmovo rax,[rbx]).
        "-x86-cmov-converter-force-mem-operand=false",
        // The guest's compiler has chosen the loops' variables; another choice costs moves at safepoints (sieve 1.33, without 1.16).
        "-disable-lsr",
        // Safepoints of several edges to one loop head would become one branch, mispredicted (interp); and it takes time.
        "-enable-tail-merge=false",
        // There are no variables whose places would have to be followed.
        "-experimental-debug-variable-locations=false",
        // Instructions without a place take the last one's: only those that may fault are looked up, and they have one.
        "-use-unknown-locations=Disable",
        // An innermost loop begins a line of the CPU's caches, wherever it comes to lie in the runner: else sieve takes 1.15 or 1.44 times its native time.
        "-x86-experimental-pref-innermost-loop-alignment=6",
    ];

    static void SetOptions(params ReadOnlySpan<string> options)
    {
        var words = stackalloc sbyte*[options.Length + 1];
        words[0] = Word("emu");
        for (int n = 0; n < options.Length; n++) words[n + 1] = Word(options[n]);
        LLVM.ParseCommandLineOptions(options.Length + 1, words, "");
        for (int n = 0; n <= options.Length; n++) System.Runtime.InteropServices.Marshal.FreeHGlobal((nint)words[n]);
        static sbyte* Word(string s) => (sbyte*)System.Runtime.InteropServices.Marshal.StringToHGlobalAnsi(s);
    }

    /// <summary>Verifies, optimises and prints or emits a module; errors of LLVM are <see cref="InvalidOperationException"/>s.</summary>
    public static byte[] Emit(ModuleWriter m, int level, LLVMCodeGenFileType kind = LLVMCodeGenFileType.LLVMObjectFile)
    {
        var machine = Prepare(m, level);
        try
        {
            Optimize(m, machine, level);
            LLVMMemoryBufferRef buffer;
            sbyte* error;
            if (LLVM.TargetMachineEmitToMemoryBuffer(machine, m.Module, kind, &error, &buffer) != 0) throw new InvalidOperationException(Take(error));
            var bytes = new ReadOnlySpan<byte>(LLVM.GetBufferStart(buffer), (int)LLVM.GetBufferSize(buffer)).ToArray();
            LLVM.DisposeMemoryBuffer(buffer);
            return bytes;
        }
        finally
        {
            LLVM.DisposeTargetMachine(machine);
        }
    }

    /// <summary>The optimised module as text.</summary>
    public static string Print(ModuleWriter m, int level)
    {
        var machine = Prepare(m, level);
        Optimize(m, machine, level);
        LLVM.DisposeTargetMachine(machine);
        return m.Print();
    }

    static LLVMTargetMachineRef Prepare(ModuleWriter m, int level)
    {
        var codegen = level switch
        {
            0 => LLVMCodeGenOptLevel.LLVMCodeGenLevelNone,
            1 => LLVMCodeGenOptLevel.LLVMCodeGenLevelLess,
            _ => LLVMCodeGenOptLevel.LLVMCodeGenLevelDefault,
        };
        var machine = LLVM.CreateTargetMachine(target.Value, Triple, "x86-64-v3", "", codegen, LLVMRelocMode.LLVMRelocStatic, LLVMCodeModel.LLVMCodeModelSmall);
        LLVM.SetTarget(m.Module, Triple);
        var layout = LLVM.CreateTargetDataLayout(machine);
        LLVM.SetModuleDataLayout(m.Module, layout);
        LLVM.DisposeTargetData(layout);
        sbyte* error;
        if (LLVM.VerifyModule(m.Module, LLVMVerifierFailureAction.LLVMReturnStatusAction, &error) != 0) throw new InvalidOperationException(Take(error));
        return machine;
    }

    static void Optimize(ModuleWriter m, LLVMTargetMachineRef machine, int level)
    {
        var options = LLVM.CreatePassBuilderOptions();
        var failed = LLVM.RunPasses(m.Module, m.HasProbes ? "cgscc(inline)," + pipelines[level] : pipelines[level], machine, options);
        LLVM.DisposePassBuilderOptions(options);
        if (m.Visits.Count > 0) Sinking.Run(m);
        if (failed.Handle != 0) throw new InvalidOperationException(System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)LLVM.GetErrorMessage(failed)));
    }

    static string Take(sbyte* message)
    {
        string text = System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)message) ?? "";
        LLVM.DisposeMessage(message);
        return text;
    }
}
