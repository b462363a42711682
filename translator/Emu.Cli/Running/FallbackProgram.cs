using Emu.Cli.Options;
using Emu.Translator.Linking;

namespace Emu.Cli.Running;

/// <summary>The fallback translator that runners are told of.</summary>
static class FallbackProgram
{
    /// <summary>The one beside emu: a native program; or, where a user's own passes must be loaded, an assembly that the .NET host of this process runs.</summary>
    /// <remarks>Of a program that is left to the fallback on purpose nothing is to be learnt: the build's name says so.</remarks>
    public static FallbackReference Find(TranslationOptions options)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "emu-fallback");
        if (!File.Exists(program) || options.OwnPlugins.Any()) program += ".dll";
        string coverage = options.Coverage < 100 ? $" {options.Coverage}%" : "";
        return new(File.Exists(program) ? program : "", Environment.ProcessPath ?? "", $"{Version.Translator} O{options.Level}{coverage}");
    }
}
