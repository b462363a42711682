using System.Globalization;
using Emu.Cli.Options;

namespace Emu.Cli.Running;

/// <summary>What a runner knows of those who translate the programs that it executes (runtime/core/exec.c, Emu.Launch/launch.c): a line each.</summary>
static class Follow
{
    /// <summary>"" where they run natively.</summary>
    public static string Of(TranslationOptions options) => !options.FollowExec ? "" : string.Join('\n',
        [Path.Combine(AppContext.BaseDirectory, "launch"), Environment.ProcessPath ?? "", Path.Combine(AppContext.BaseDirectory, "emu.dll"), CacheFolder.Root, .. Words(options)]);

    static IEnumerable<string> Words(TranslationOptions o) =>
    [
        "--follow-exec", $"-O{o.Level.ToString(CultureInfo.InvariantCulture)}", $"-j{o.Jobs.ToString(CultureInfo.InvariantCulture)}",
        .. o.AskedCoverage is { } coverage ? [$"--aot={coverage}"] : Array.Empty<string>(), .. o.NoProfile ? ["--no-profile"] : Array.Empty<string>(),
        .. o.Plugins.Select(p => $"--plugin={Translation.Anywhere(p)}"),
        .. o.Only.Select(c => $"--only={c}"), .. o.Exclude.Select(c => $"--exclude={c}"),
    ];
}
