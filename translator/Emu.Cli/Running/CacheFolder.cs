namespace Emu.Cli.Running;

/// <summary>Where everything is kept that can be made again: $EMU_CACHE, else $XDG_CACHE_HOME/emu, else ~/.cache/emu.</summary>
static class CacheFolder
{
    /// <summary>objects/ (compiled regions), runners/, memo/ (which runner a command means), plugins/ (compiled passes), data/ (of runs going on), profiles/ (PCs that runs missed).</summary>
    static readonly string[] parts = ["objects", "runners", "memo", "plugins", "data", "profiles"];

    public static string Root { get; } = Path.GetFullPath(
        Variable("EMU_CACHE") is { } own ? own
        : Variable("XDG_CACHE_HOME") is { } xdg && Path.IsPathRooted(xdg) ? Path.Combine(xdg, "emu")
        : Variable("HOME") is { } home ? Path.Combine(home, ".cache", "emu")
        : Path.Combine(Path.GetTempPath(), $"emu-{Environment.UserName}"));

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
