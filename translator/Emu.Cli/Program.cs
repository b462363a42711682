using Emu.Cli.Running;
using Emu.Translator;

Output.TakeConsole();
Interruption.Watch();
try
{
    return Emu.Cli.CommandLine.Run(Arguments(args.Length));
}
finally
{
    Console.Out.Flush();
    WorkFolder.Remove();
}

// The last words of this process's command line, which need not be UTF-8.
static string[] Arguments(int count)
{
    byte[] all = File.ReadAllBytes("/proc/self/cmdline")[..^1];
    var words = new List<string>();
    foreach (var word in all.AsSpan().Split((byte)0)) words.Add(FilePath.Of(all[word]));
    return [.. words.TakeLast(count)];
}
