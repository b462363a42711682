using Emu.Cli.Options;
using Emu.Cli.Running;

namespace Emu.Cli.Verbs;

/// <summary>emu cache: where it is, how large, or gone.</summary>
static class CacheVerb
{
    public static int Run(CacheOptions options)
    {
        if ((options.Path ? 1 : 0) + (options.Size ? 1 : 0) + (options.Clear ? 1 : 0) > 1) throw new UsageException("cache: --path, --size or --clear: one of them");
        if (options.Clear) CacheFolder.Clear();
        else if (options.Path) Console.Out.WriteLine(CacheFolder.Root);
        else if (options.Size) Console.Out.WriteLine(CacheFolder.Size);
        else Console.Out.WriteLine(Describe());
        return 0;
    }

    public static string Describe() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{CacheFolder.Root}, {CacheFolder.Size / 1048576.0:0.0} MiB");
}
