using Emu.Translator;

namespace Emu.Cli.Running;

/// <summary>
/// Where everything is kept that can be made again: $EMU_CACHE, else $XDG_CACHE_HOME/emu, else ~/.cache/emu. What lies there is executed, so
/// a folder that others may write to is not used: a line says so, and names the folder that is used instead.
/// </summary>
static class CacheFolder
{
    /// <summary>
    /// objects/ (compiled regions), runners/, memo/ (which runner a command means), plugins/ (compiled passes), work/ (what is being made), profiles/
    /// (PCs that runs missed).
    /// </summary>
    static readonly string[] parts = ["objects", "runners", "memo", "plugins", "work", "profiles"];

    static readonly Lazy<string> root = new(Choose);

    public static string Root => root.Value;

    static string Choose()
    {
        string? chosen = Named();
        string? doubt = chosen is null ? "there is no home folder" : Refusal(chosen);
        if (doubt is null) return Real(chosen!);
        string other = new[] { $"/var/tmp/emu-{Trust.User}", $"/tmp/emu-{Trust.User}" }.FirstOrDefault(f => Refusal(f) is null)
            ?? throw new UserException($"cannot use the cache folder {chosen} ({doubt}), nor one in /var/tmp or /tmp; EMU_CACHE names another");
        if (chosen != null) Console.Error.WriteLine($"emu: the cache is {other}; {chosen} is not used: {doubt}");
        return Real(other);
    }

    static string? Named() =>
        Variable("EMU_CACHE") is { } own ? Path.GetFullPath(own)
        : Variable("XDG_CACHE_HOME") is { } xdg && Path.IsPathRooted(xdg) ? Path.Combine(xdg, "emu")
        : Variable("HOME") is { } home && Directory.Exists(home) ? Path.Combine(Path.GetFullPath(home), ".cache", "emu")
        : null;

    /// <summary>Why a folder cannot be the cache; null: it can, and is there now.</summary>
    static string? Refusal(string folder)
    {
        try
        {
            if (!Directory.Exists(folder)) Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return Trust.Doubt(Real(folder)) ?? (Stat.Of(folder)?.User == Trust.User ? null : "it belongs to another user");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return "it cannot be written"; }
    }

    static string Real(string folder) => FilePath.Real(folder) ?? folder;

    /// <summary>A part's folder, made when it is not there.</summary>
    public static string Part(string name)
    {
        try { return Directory.CreateDirectory(Path.Combine(Root, name)).FullName; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new UserException($"cannot write the cache folder {Root} (EMU_CACHE names another): {e.Message}"); }
    }

    /// <summary>Bytes in all files.</summary>
    public static long Size => parts.Select(p => new DirectoryInfo(Path.Combine(Root, p))).Where(d => d.Exists)
        .Sum(d => d.EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint }).Sum(f => f.Length));

    /// <summary>Removes what emu put there, and nothing else.</summary>
    public static void Clear()
    {
        foreach (string part in parts.Select(p => Path.Combine(Root, p)).Where(Directory.Exists)) Directory.Delete(part, recursive: true);
    }

    static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } v ? v : null;
}
