using System.Security.Cryptography;
using System.Text;
using Emu.Cli.Options;
using Emu.Instrumentation;
using Emu.Translator;
using Emu.Translator.Elf;

namespace Emu.Cli.Running;

/// <summary>
/// Runners that were built before. Found twice over: by a signature of names, sizes and times (the fast way, nothing is read),
/// and by the hash of everything that a runner is made from (which decides).
/// </summary>
static class RunnerStore
{
    /// <summary>The guest's runner, built when there is none.</summary>
    public static Known Get(GuestFile guest, TranslationOptions options)
    {
        string signature = Signature(guest, options);
        if (Memo.Find(signature) is { } known) return known;
        var translation = Translation.Open(guest, options);
        string[] learnt = options.NoProfile ? [] : [Known.Line(FaultsFile(translation.Image))]; // before it is looked at
        // Libraries are found by ld.so.cache, too. (One that appears in a folder that is searched earlier is not noticed here.)
        string[] files = translation.Modules.Count == 0 ? [] : [.. translation.Modules.Select(m => m.Path), Libraries.LoaderCache];
        if (options.FollowExec) files = [.. files, .. options.Plugins.SelectMany(PluginFiles)]; // the launcher knows nothing of plugins
        return Memo.Keep(signature, new(Named(Build(translation, options), guest.CommandName), [.. learnt, .. files.Select(Known.Line)]), guest.Stat);
    }

    static string Signature(GuestFile guest, TranslationOptions options)
    {
        var s = new StringBuilder($"{guest.Path}\n{guest.CommandName}\n{guest.Stat.Signature}\n{Code(options)}\n{Libraries.Path} {string.Join(' ', options.Also)}\n{Scope(options)}\n");
        foreach (string plugin in options.Plugins)
        {
            s.Append(plugin).Append('\n');
            foreach (string file in PluginFiles(plugin)) s.Append(file).Append(' ').Append(Stat.Of(file)?.Signature).Append('\n');
        }
        string folder = AppContext.BaseDirectory;
        foreach (string name in (ReadOnlySpan<string>)["emu.dll", "Emu.Translator.dll", "Emu.Ir.dll", "Emu.Llvm.dll", "Emu.Instrumentation.dll", "Emu.Plugins.dll", "Iced.dll"])
            s.Append(Stat.Of(folder + name)?.Signature).Append('\n');
        return s.Append(RuntimeCore.Find() is { } core ? core + Stat.Of(core)?.Signature : "").ToString();
    }

    static string Code(TranslationOptions options) => $"O{options.Level} {options.Coverage}%\n{Follow.Of(options)}";

    static string Scope(TranslationOptions options) => $"--only {string.Join('\n', options.Only)} --exclude {string.Join('\n', options.Exclude)}";

    /// <summary>There is one, that the launcher can compare it.</summary>
    static string FaultsFile(Image image)
    {
        string file = MissProfile.FaultsFile(image.File.Span);
        new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite).Dispose();
        return file;
    }

    static string Build(Translation translation, TranslationOptions options)
    {
        var guest = translation.Guest;
        string folder = Path.Combine(CacheFolder.Part("runners"), Key(translation, options)), runner = Path.Combine(folder, FilePath.Printable(Path.GetFileName(guest.Path)));
        if (File.Exists(runner)) return runner;
        string work = Path.Combine(WorkFolder.Path, "runner");
        Directory.CreateDirectory(work);
        translation.Build(Path.Combine(work, Path.GetFileName(runner)));
        try { Directory.Move(work, folder); }
        catch (IOException) when (File.Exists(runner)) { } // another emu was faster
        return runner;
    }

    /// <summary>Everything that a runner depends on.</summary>
    static string Key(Translation translation, TranslationOptions options)
    {
        var guest = translation.Guest;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text) => hash.AppendData(Encoding.UTF8.GetBytes($"{text.Length} {text}\n"));
        void AddFile(string path) { Add(path); hash.AppendData(SHA256.HashData(File.ReadAllBytes(path))); }
        Add(Version.Translator);
        Add(Code(options));
        Add(Scope(options));
        Add(FallbackProgram.Find(options).Path);
        Add($"exact faults {Translation.HandlesFaults(translation.Image, options)}");
        if (!options.NoProfile) Add(string.Join(' ', MissProfile.Of(translation.Image.File.Span).Roots));
        foreach (var m in translation.Modules) Add($"{m.Path} {m.Image.Base:x} {m.Identity} {string.Join(' ', m.Roots)}");
        foreach (string plugin in options.Plugins)
        {
            Add(plugin);
            foreach (string file in PluginFiles(plugin)) AddFile(file);
        }
        hash.AppendData(SHA256.HashData(File.ReadAllBytes(RuntimeCore.Path)));
        Add(guest.Path);
        hash.AppendData(SHA256.HashData(translation.Image.File.Span));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    /// <summary>The files that a plugin of the user's own is made from: its folder's sources, or the assembly and the C files beside it.</summary>
    static IEnumerable<string> PluginFiles(string plugin)
    {
        string name = plugin.Split(',')[0];
        bool isFolder = Directory.Exists(name);
        if (!PluginCatalog.IsPath(name) || !isFolder && !File.Exists(name)) return [];
        string folder = isFolder ? name : Path.GetDirectoryName(Path.GetFullPath(name))!;
        var files = Directory.GetFiles(folder).Where(f => Path.GetExtension(f) is ".cs" or ".c" or ".h" or ".dll").Select(Path.GetFullPath).ToArray();
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    /// <summary>The runner under another name: the kernel names a process after the file that was executed.</summary>
    static string Named(string runner, string name)
    {
        string link = Path.Combine(Path.GetDirectoryName(runner)!, name);
        if (link == runner || name != FilePath.Printable(name)) return runner;
        if ( File.Exists(link)) return link;
        try { File.CreateSymbolicLink(link, Path.GetFileName(runner)); }
        catch (IOException) when (File.Exists(link)) { }
        return link;
    }
}

