using System.Security.Cryptography;
using System.Text;
using Emu.Instrumentation;
using Emu.Translator.Lowering;
using LLVMSharp.Interop;

namespace Emu.Translator.Linking;

/// <summary>
/// Plugins' C files as LLVM bitcode. Each is compiled once into an object that defines its functions and data; every module of
/// regions gets a copy of the functions to inline, which is not emitted (linkage available_externally).
/// </summary>
public sealed unsafe class Probes
{
    /// <summary>No vzeroupper: see build_core in ./emu.</summary>
    static readonly string[] flags = [.. HostLibc.Headers, "-std=gnu17", "-O2", "-march=x86-64-v3", "-mno-vzeroupper", "-fno-pie", "-fno-stack-protector", "-gline-tables-only", "-fdebug-compilation-dir=/", "-Wall"];

    readonly ObjectCache cache;
    readonly IReadOnlyList<ProbeInfo> probes;
    /// <summary>What is added to a C file's name where its bitcode lies beside it: there, no compiler is needed.</summary>
    public const string Bitcode = ".bc";

    readonly IReadOnlyList<byte[]> files;

    public Probes(IReadOnlyList<ProbeInfo> probes, ObjectCache cache)
    {
        (this.probes, this.cache) = (probes, cache);
        files = [.. Paths.Select(Compile)];
    }

    IEnumerable<string> Paths => probes.Select(p => p.File).Distinct();

    /// <summary>The C files, compiled.</summary>
    public IEnumerable<(string File, byte[] Bitcode)> Files => Paths.Zip(files);

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => files.Count == 0;

    /// <summary>Names the probes' contents, for a cache key.</summary>
    public string Describe() => string.Join(' ', files.Select(Hash));

    /// <summary>The objects that define the probes.</summary>
    public IReadOnlyList<string> Objects() => [.. files.Select(bitcode => cache.Get("probe-" + Hash(bitcode), () =>
    {
        using var m = new ModuleWriter("probes");
        Link(m, bitcode, isDefinition: true);
        return Codegen.Emit(m, Codegen.DefaultLevel);
    }))];

    /// <summary>Gives a module the probes' bodies, for inlining. Call after all regions have been lowered.</summary>
    public void AddTo(ModuleWriter m)
    {
        foreach (var bitcode in files) Link(m, bitcode, isDefinition: false);
    }

    void Link(ModuleWriter m, byte[] bitcode, bool isDefinition)
    {
        LLVMModuleRef parsed;
        fixed (byte* p = bitcode)
        {
            var buffer = LLVM.CreateMemoryBufferWithMemoryRangeCopy((sbyte*)p, (nuint)bitcode.Length, null);
            if (LLVM.ParseBitcodeInContext2(m.Context, buffer, &parsed) != 0) throw new InvalidOperationException("clang's bitcode cannot be read");
        }
        string prefix = "emu_probe_" + Hash(bitcode)[..12] + "_";
        for (var f = LLVM.GetFirstFunction(parsed); f.Handle != 0; f = LLVM.GetNextFunction(f)) Expose(m, f, prefix, isDefinition);
        for (var g = LLVM.GetFirstGlobal(parsed); g.Handle != 0; g = LLVM.GetNextGlobal(g))
            if (LLVM.IsGlobalConstant(g) == 0 && !Name(g).StartsWith("llvm.", StringComparison.Ordinal)) Expose(m, g, prefix, isDefinition);
        if (!isDefinition && LLVM.GetNamedGlobal(parsed, "llvm.used") is { Handle: not 0 } used) LLVM.DeleteGlobal(used);
        if (!isDefinition && LLVM.GetNamedGlobal(parsed, "llvm.compiler.used") is { Handle: not 0 } kept) LLVM.DeleteGlobal(kept);
        CheckConvention(parsed);
        if (LLVM.LinkModules2(m.Module, parsed) != 0) throw new InvalidOperationException("the probes' bitcode cannot be linked");
    }

    /// <summary>A probe without EMU_PROBE would clobber what its sites keep in registers.</summary>
    void CheckConvention(LLVMModuleRef m)
    {
        foreach (var p in probes)
            if (LLVM.GetNamedFunction(m, p.Function) is { Handle: not 0 } f && LLVM.IsDeclaration(f) == 0 && LLVM.GetFunctionCallConv(f) != Abi.PreserveAll)
                throw new PluginException($"probe {p.Function} in {p.File} is not marked EMU_PROBE");
    }

    /// <summary>Whether it calls what may want the stack as the psABI says (3.2.2): in a region, the stack is aligned to 8.</summary>
    static bool Calls(LLVMValueRef function)
    {
        for (var b = LLVM.GetFirstBasicBlock(function); b.Handle != 0; b = LLVM.GetNextBasicBlock(b))
            for (var i = LLVM.GetFirstInstruction(b); i.Handle != 0; i = LLVM.GetNextInstruction(i))
                if (LLVM.IsACallInst(i).Handle != 0 && LLVM.GetCalledValue(i) is var callee && LLVM.GetIntrinsicID(callee) == 0 && Name(callee) != "emu_stream_full") return true;
        return false;
    }

    /// <summary>
    /// There is one instance of each function and variable, in the defining object; file-local ones get names of their own for that. What calls
    /// other functions is not inlined: it aligns the stack.
    /// </summary>
    static void Expose(ModuleWriter m, LLVMValueRef v, string prefix, bool isDefinition)
    {
        if (LLVM.IsDeclaration(v) != 0) return;
        bool local = LLVM.GetLinkage(v) is LLVMLinkage.LLVMInternalLinkage or LLVMLinkage.LLVMPrivateLinkage;
        // Regions call it with rsp aligned to 8.
        if (isDefinition && LLVM.IsAFunction(v).Handle != 0 && LLVM.GetFunctionCallConv(v) == Abi.PreserveAll) m.AddAttribute(v, "stackrealign");
        if (!isDefinition && LLVM.IsAFunction(v).Handle != 0 && Calls(v)) m.AddAttribute(v, "noinline");
        if (local) { string name = prefix + Name(v); LLVM.SetValueName2(v, name, (nuint)name.Length); }
        if (!isDefinition) LLVM.SetLinkage(v, LLVMLinkage.LLVMAvailableExternallyLinkage);
        else if (local) LLVM.SetLinkage(v, LLVMLinkage.LLVMExternalLinkage);
    }

    static string Name(LLVMValueRef v)
    {
        nuint length;
        var name = LLVM.GetValueName2(v, &length);
        return Encoding.UTF8.GetString((byte*)name, (int)length);
    }

    byte[] Compile(string file)
    {
        if (File.Exists(file + Bitcode)) return File.ReadAllBytes(file + Bitcode);
        string include = Path.Combine(AppContext.BaseDirectory, "include");
        // What the preprocessor gives is what the bitcode depends on, and the flags.
        string source = string.Join(' ', flags) + Run("-E", file, "-I", include), key = "probe-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source))) + "-bitcode";
        return File.ReadAllBytes(cache.Get(key, () =>
        {
            string output = Path.Combine(cache.Directory, $"{key}.{Environment.ProcessId}.tmp");
            Run("-emit-llvm", "-c", file, "-I", include, "-o", output);
            byte[] bytes = File.ReadAllBytes(output);
            File.Delete(output);
            return bytes;
        }));
    }

    static string Run(params IEnumerable<string> args)
    {
        try { return Tool.Run("clang-19", flags.Concat(args)); }
        catch (ToolException e) { throw new PluginException(e.Message); }
    }

    static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..32];
}
