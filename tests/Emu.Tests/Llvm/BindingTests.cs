using System.Diagnostics;
using System.Runtime.InteropServices;
using LLVMSharp.Interop;
using Xunit;

namespace Emu.Tests.Llvm;

/// <summary>The binding reaches the real library: build, verify, optimise, emit; and it is what its generator writes.</summary>
public sealed unsafe class BindingTests : IDisposable
{
    readonly LLVMContextRef context = LLVM.ContextCreate();
    readonly LLVMModuleRef module;

    public BindingTests() => module = LLVM.ModuleCreateWithNameInContext("test", context);

    public void Dispose()
    {
        LLVM.DisposeModule(module);
        LLVM.ContextDispose(context);
    }

    [Fact]
    public void The_library_is_version_19()
    {
        uint major, minor, patch;
        LLVM.GetVersion(&major, &minor, &patch);
        Assert.Equal(19u, major);
    }

    [Fact]
    public void A_function_is_built_optimised_and_emitted()
    {
        AddThreeTimes();
        var machine = CreateMachine();
        Assert.Null(Verify());

        Optimise(machine);
        var text = Print();
        Assert.Contains("mul i64 %0, 3", text);
        Assert.DoesNotContain("alloca", text);

        var elf = Emit(machine);
        Assert.Equal("\u007fELF"u8, elf.AsSpan(0, 4));
        Assert.True(elf.AsSpan().IndexOf("three_times"u8) > 0);
        LLVM.DisposeTargetMachine(machine);
    }

    [Fact]
    public void The_verifier_says_what_is_wrong()
    {
        var i64 = LLVM.Int64TypeInContext(context);
        var function = LLVM.AddFunction(module, "open", LLVM.FunctionType(i64, null, 0, 0));
        LLVM.AppendBasicBlockInContext(context, function, "entry");
        Assert.Contains("does not have terminator", Verify());
    }

    [Fact]
    public void Names_are_utf8()
    {
        var global = LLVM.AddGlobal(module, LLVM.Int8TypeInContext(context), "größe");
        nuint length;
        var name = LLVM.GetValueName2(global, &length);
        Assert.Equal("größe", Marshal.PtrToStringUTF8((nint)name, (int)length));
        Assert.Equal(global, LLVM.GetNamedGlobal(module, "größe"));
    }

    [Fact]
    public void Regcall_takes_and_returns_eleven_registers()
    {
        var i64 = LLVM.Int64TypeInContext(context);
        var all = Enumerable.Repeat(i64, 11).ToArray();
        fixed (LLVMTypeRef* types = all)
        {
            var type = LLVM.FunctionType(LLVM.StructTypeInContext(context, types, 11, 0), types, 11, 0);
            var function = LLVM.AddFunction(module, "region", type);
            LLVM.SetFunctionCallConv(function, (uint)LLVMCallConv.LLVMX86RegCallCallConv);
            var builder = LLVM.CreateBuilderInContext(context);
            LLVM.PositionBuilderAtEnd(builder, LLVM.AppendBasicBlockInContext(context, function, ""));
            var values = Enumerable.Range(0, 11).Select(i => LLVM.GetParam(function, (uint)i)).ToArray();
            fixed (LLVMValueRef* at = values)
                LLVM.BuildAggregateRet(builder, at, 11);
            LLVM.DisposeBuilder(builder);
        }
        Assert.Null(Verify());
        Assert.Contains("x86_regcallcc", Print());
    }

    [Fact]
    public void Regenerating_gives_the_same_file()
    {
        var binding = Path.Combine(Root(), "translator/Emu.Llvm");
        var fresh = Path.GetTempFileName();
        try
        {
            using var generate = Process.Start(new ProcessStartInfo(Path.Combine(binding, "generate"), [fresh]) { RedirectStandardError = true })!;
            var errors = generate.StandardError.ReadToEnd();
            generate.WaitForExit();
            Assert.True(generate.ExitCode == 0, errors);
            Assert.Equal(File.ReadAllText(Path.Combine(binding, "Generated/LLVM.g.cs")), File.ReadAllText(fresh));
        }
        finally
        {
            File.Delete(fresh);
        }
    }

    /// <summary>i64 three_times(i64 x) through memory, as the translator's unoptimised output does it.</summary>
    void AddThreeTimes()
    {
        var i64 = LLVM.Int64TypeInContext(context);
        var function = LLVM.AddFunction(module, "three_times", LLVM.FunctionType(i64, &i64, 1, 0));
        var builder = LLVM.CreateBuilderInContext(context);
        LLVM.PositionBuilderAtEnd(builder, LLVM.AppendBasicBlockInContext(context, function, "entry"));
        var slot = LLVM.BuildAlloca(builder, i64, "slot");
        LLVM.BuildStore(builder, LLVM.GetParam(function, 0), slot);
        var x = LLVM.BuildLoad2(builder, i64, slot, "x");
        var twice = LLVM.BuildAdd(builder, x, LLVM.BuildLoad2(builder, i64, slot, ""), "twice");
        LLVM.BuildRet(builder, LLVM.BuildAdd(builder, twice, x, ""));
        LLVM.DisposeBuilder(builder);
    }

    LLVMTargetMachineRef CreateMachine()
    {
        LLVM.InitializeX86TargetInfo();
        LLVM.InitializeX86Target();
        LLVM.InitializeX86TargetMC();
        LLVM.InitializeX86AsmPrinter();
        const string triple = "x86_64-pc-linux-gnu";
        LLVMTargetRef target;
        Assert.Equal(0, LLVM.GetTargetFromTriple(triple, &target, null));
        var machine = LLVM.CreateTargetMachine(target, triple, "x86-64-v3", "", LLVMCodeGenOptLevel.LLVMCodeGenLevelDefault,
            LLVMRelocMode.LLVMRelocStatic, LLVMCodeModel.LLVMCodeModelSmall);
        var layout = LLVM.CreateTargetDataLayout(machine);
        LLVM.SetModuleDataLayout(module, layout);
        LLVM.SetTarget(module, triple);
        LLVM.DisposeTargetData(layout);
        return machine;
    }

    void Optimise(LLVMTargetMachineRef machine)
    {
        var options = LLVM.CreatePassBuilderOptions();
        var error = LLVM.RunPasses(module, "default<O2>", machine, options);
        Assert.Equal(default, error);
        LLVM.DisposePassBuilderOptions(options);
    }

    byte[] Emit(LLVMTargetMachineRef machine)
    {
        sbyte* message = null;
        LLVMMemoryBufferRef buffer;
        var failed = LLVM.TargetMachineEmitToMemoryBuffer(machine, module, LLVMCodeGenFileType.LLVMObjectFile, &message, &buffer);
        Assert.True(failed == 0, Take(message));
        var bytes = new ReadOnlySpan<byte>(LLVM.GetBufferStart(buffer), (int)LLVM.GetBufferSize(buffer)).ToArray();
        LLVM.DisposeMemoryBuffer(buffer);
        return bytes;
    }

    string? Verify()
    {
        sbyte* message = null;
        var broken = LLVM.VerifyModule(module, LLVMVerifierFailureAction.LLVMReturnStatusAction, &message);
        var text = Take(message);
        return broken == 0 ? null : text;
    }

    static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Emu.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    string Print() => Take(LLVM.PrintModuleToString(module))!;

    static string? Take(sbyte* message)
    {
        var text = Marshal.PtrToStringUTF8((nint)message);
        LLVM.DisposeMessage(message);
        return text;
    }
}
