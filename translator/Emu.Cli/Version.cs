using System.Reflection;
using System.Runtime.CompilerServices;

namespace Emu.Cli;

/// <summary>Which emu this is.</summary>
static class Version
{
    public static string Text => typeof(Version).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Names the translator's code: equal exactly when the same guest gives the same objects. Loads the whole translator.</summary>
    public static string Translator => string.Join(' ', Assemblies.Select(a => a.ManifestModule.ModuleVersionId.ToString("N")));

    static IEnumerable<Assembly> Assemblies => [typeof(Ir.Op).Assembly, typeof(Translator.Pipeline).Assembly, typeof(Instrumentation.Plugin).Assembly, typeof(Plugins.BlockCounter).Assembly, LlvmBinding, typeof(Iced.Intel.Instruction).Assembly];

    static Assembly LlvmBinding
    {
        [MethodImpl(MethodImplOptions.NoInlining)]
        get => typeof(LLVMSharp.Interop.LLVM).Assembly;
    }
}
