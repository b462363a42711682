using Emu.Translator.Elf;
using Emu.Translator.Linking;
using Emu.Translator.X86;

namespace Emu.Translator.Closure;

/// <summary>Finds a library by its name as the guest's dynamic linker would (ld.so(8); for musl ldso/dynlink.c).</summary>
/// <param name="isMusl">Whose rules.</param>
/// <param name="libraryPath">LD_LIBRARY_PATH.</param>
public sealed class LibrarySearch(bool isMusl, string libraryPath)
{
    static readonly string[] glibcFolders = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib", "/lib64", "/usr/lib64"];
    static readonly string[] muslFolders = ["/lib", "/usr/local/lib", "/usr/lib"];

    /// <summary>What musl has in libc.so, the dynamic linker itself.</summary>
    static readonly string[] muslOwn = ["libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."];

    readonly IReadOnlyList<string> levels = isMusl ? [] : Levels();
    readonly LoaderCache? cache = isMusl ? null : LoaderCache.Read("/etc/ld.so.cache", Levels());

    /// <summary>The file; null when there is none, or when it is the dynamic linker itself.</summary>
    /// <param name="loaders">Who needs it: the library, the one that needed that, ... the program.</param>
    public string? Find(string name, IReadOnlyList<(string Path, Image Image)> loaders)
    {
        if (isMusl && muslOwn.Any(own => name.StartsWith(own, StringComparison.Ordinal))) return null;
        if (name.Contains('/')) return IsUsable(name) ? name : null;
        foreach (string folder in Early(loaders)) if (In(folder, name) is { } path) return path;
        if (cache?.Find(name) is { } cached && IsUsable(cached)) return cached;
        return (isMusl ? MuslFolders() : glibcFolders).Select(f => In(f, name)).FirstOrDefault(p => p != null);
    }

    IEnumerable<string> Early(IReadOnlyList<(string Path, Image Image)> loaders)
    {
        var (own, isInherited) = loaders[0].Image.RunPath;
        // DT_RPATH of everyone up to the program, unless the library has a DT_RUNPATH; musl inherits both.
        var inherited = own == null || isInherited || isMusl ? loaders.Where(l => l.Image.RunPath.IsInherited || isMusl).SelectMany(l => Folders(l.Image.RunPath.Path, l.Path)) : [];
        var environment = Folders(libraryPath, loaders[^1].Path);
        var runPath = own != null && !isInherited ? Folders(own, loaders[0].Path) : [];
        return isMusl ? environment.Concat(inherited) : inherited.Concat(environment).Concat(runPath);
    }

    static IEnumerable<string> Folders(string? list, string of) =>
        (list ?? "").Split([':', ';'], StringSplitOptions.RemoveEmptyEntries).Select(f => f
            .Replace("${ORIGIN}", "$ORIGIN").Replace("$ORIGIN", Path.GetDirectoryName(of))
            .Replace("${LIB}", "$LIB").Replace("$LIB", "lib/x86_64-linux-gnu").Replace("${PLATFORM}", "$PLATFORM").Replace("$PLATFORM", "x86_64"));

    static string[] MuslFolders() =>
        File.Exists("/etc/ld-musl-x86_64.path") ? File.ReadAllText("/etc/ld-musl-x86_64.path").Split([':', '\n'], StringSplitOptions.RemoveEmptyEntries) : muslFolders;

    string? In(string folder, string name) =>
        levels.Select(l => $"{folder}/glibc-hwcaps/{l}/{name}").Append($"{folder}/{name}").FirstOrDefault(IsUsable);

    /// <summary>Of another architecture: passed over.</summary>
    static bool IsUsable(string path)
    {
        Span<byte> head = stackalloc byte[20];
        try
        {
            using var file = File.OpenRead(path);
            return file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && head.StartsWith("\x7f"u8) && head[4] == 2 && head[18] == 62;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>What guests are told of this CPU decides (psABI, "micro-architecture levels").</summary>
    static IReadOnlyList<string> Levels()
    {
        string[] third = ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "lzcnt", "movbe", "osxsave"];
        return Features.All.Where(f => third.Contains(f.Name)).All(HostCpu.Has) ? ["x86-64-v3", "x86-64-v2"] : ["x86-64-v2"];
    }
}
