using Emu.Translator.Linking;

namespace Emu.Cli.Running;

/// <summary>The fallback translator that runners are told of.</summary>
static class FallbackProgram
{
    /// <summary>The one beside emu: a program, or an assembly that the .NET host of this process runs.</summary>
    /// <remarks>Of a program that is left to the fallback on purpose nothing is to be learnt: the build's name says so.</remarks>
    public static FallbackReference Find(int level, int coverage)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "emu-fallback"), assembly = program + ".dll";
        return new(File.Exists(program) ? program : File.Exists(assembly) ? assembly : "", Environment.ProcessPath ?? "", $"{Version.Translator} O{level}{(coverage < 100 ? $" {coverage}%" : "")}");
    }
}
