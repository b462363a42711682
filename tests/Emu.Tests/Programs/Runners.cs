using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Emu.Tests.Programs;

/// <summary>Translated programs, each built once by `./emu build` for a guest, a plugin set and a level, and kept while none of them changes.</summary>
static class Runners
{
    public static readonly string[] NoPlugins = [];
    public static readonly string[] AllPlugins = ["blocks", "insns", "opcodes", "memtrace,file=/dev/null"];

    static readonly ConcurrentDictionary<string, Lazy<string>> built = [];

    /// <summary>The path of the runner; throws what `emu build` said when it cannot be built.</summary>
    public static string Build(string guest, string[] plugins, int level = 2, string aot = "all", params string[] more)
    {
        var key = $"{guest} {File.GetLastWriteTimeUtc(guest).Ticks} {string.Join(' ', plugins.Select(Described))} -O{level} {aot} {string.Join(' ', more)} {TranslatorVersion}";
        return built.GetOrAdd(key, k => new(() => Make(k, guest, plugins, level, aot, more))).Value;
    }

    /// <summary>A plugin's text; of a folder, also when its files were written.</summary>
    static string Described(string plugin) =>
        Directory.Exists(plugin) ? $"{plugin} {Directory.GetFiles(plugin).Max(f => File.GetLastWriteTimeUtc(f).Ticks)}" : plugin;

    /// <summary>The launcher's link .build/emu names the build in use (emu-HASH).</summary>
    static string TranslatorVersion { get; } = Translator();

    static string Translator()
    {
        Repository.Run(Path.Combine(Repository.Root, "emu"), "--build");
        return new FileInfo(Path.Combine(Repository.Root, ".build/emu")).LinkTarget ?? "emu";
    }

    static string Make(string key, string guest, string[] plugins, int level, string aot, string[] more)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..12];
        var runner = Path.Combine(Repository.Work("runners"), $"{Path.GetFileName(guest)}.{hash}");
        if (!File.Exists(runner))
        {
            string[] options = [.. more, .. plugins.SelectMany(p => new[] { "-p", p })];
            Repository.Run(Path.Combine(Repository.Root, "emu"), ["build", guest, "-o", runner + ".new", "-O", $"{level}", "--aot", aot, "--no-profile", .. options]);
            File.Move(runner + ".new", runner, overwrite: true);
        }
        return runner;
    }
}
