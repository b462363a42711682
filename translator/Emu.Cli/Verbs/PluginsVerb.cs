using Emu.Cli.Running;

namespace Emu.Cli.Verbs;

/// <summary>emu plugins: what there is to say after -p.</summary>
static class PluginsVerb
{
    public static int Run()
    {
        foreach (var p in Translation.Catalog.BuiltIn)
        {
            Console.Out.WriteLine($"{p.Name,-12} {p.Help}");
            foreach (var o in p.Options) Console.Out.WriteLine($"    {o.Name,-12} {o.Help}");
        }
        Console.Out.Write("""

            Every plugin has only=... and exclude=...: the code it is shown, by symbol or 0xFROM-0xTO.
            Your own: -p ./MyPass.dll, or a folder with MyPass.cs and its C probes (docs/writing-a-pass.md).

            """);
        return 0;
    }
}
