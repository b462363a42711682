using Emu.Cli.Options;
using Emu.Cli.Running;
using Emu.Instrumentation;
using Emu.Llvm;
using Emu.Translator;
using Emu.Translator.Elf;

namespace Emu.Cli.Verbs;

/// <summary>Who chose the passes that a report is made with.</summary>
enum PluginsAreNamedBy { User, DataFile }

/// <summary>emu report: what a data file holds, in its plugins' words.</summary>
static class ReportVerb
{
    public static int Run(ReportOptions options)
    {
        if (options.Misses) return PrintMisses(GuestFile.Named(options.File));
        Print(options.File, options.Json, new Output(1), PluginsAreNamedBy.DataFile);
        return 0;
    }

    static int PrintMisses(GuestFile guest)
    {
        var image = Image.Load(guest.Path);
        // Of a library those are offsets.
        if (image is { Interpreter: null, SoName: not null }) image = Image.Load(guest.Path, 0);
        var profile = MissProfile.Of(image.File.Span);
        foreach (string file in profile.Files) Console.Out.WriteLine($"opened {file}");
        foreach (var (pc, reason) in profile.Misses)
            Console.Out.WriteLine($"0x{pc:x} {Words(reason)}{(image.IsExecutable(pc) && image.Symbolize(pc) is { } s ? $" {s.Name}+0x{s.Offset:x}" : "")}");
        return 0;
    }

    static string Words(MissReason reason) => reason switch
    {
        MissReason.Undiscovered => "undiscovered",
        MissReason.Resumed => "resumed mid-region",
        MissReason.WritablePage => "writable page",
        _ => "generated",
    };

    /// <summary>Prints a data file's report. A reader that goes away early is no error.</summary>
    public static void Print(string path, bool json, System.IO.Stream output, PluginsAreNamedBy namedBy)
    {
        using var data = DataFile.Open(path);
        if (namedBy == PluginsAreNamedBy.DataFile) CheckPlugins(path, data.Meta);
        var plugins = Translation.Catalog.Create(data.Meta);
        var symbols = GuestSymbols.Of(data.Meta.Guest);
        try
        {
            if (json) Report.PrintJson(data, plugins, symbols, output);
            else
            {
                using var text = new StreamWriter(output, new System.Text.UTF8Encoding(false), 1 << 16, leaveOpen: true);
                Report.Print(data, plugins, symbols, text);
            }
        }
        catch (IOException e) when (e.HResult == Libc.Epipe) { }
    }

    /// <summary>A data file may be anybody's, and a pass that it names would be loaded and run: only one that nobody else can have written.</summary>
    static void CheckPlugins(string path, Meta meta)
    {
        foreach (string plugin in meta.Plugins.Select(p => p.Options.Name).Where(PluginCatalog.IsPath))
            if (FilePath.Real(plugin) is { } real && Trust.Doubt(real) is { } doubt)
                throw new UserException($"{path}: the plugin that it names, {plugin}, is not loaded: {doubt}");
    }

    /// <summary>The reports of a run's programs, one after another; as JSON: [{"program": ..., "process": ..., "report": {...}}, ...].</summary>
    public static void PrintAll(IReadOnlyList<ProcessData> programs, bool json, System.IO.Stream output)
    {
        void Text(string text) => output.Write(System.Text.Encoding.UTF8.GetBytes(text));
        try
        {
            foreach (var (n, p) in programs.Index())
            {
                string Quoted(string s) => System.Text.Json.JsonSerializer.Serialize(s);
                Text(json ? $"{(n == 0 ? "[" : ",")}{{\"program\": {Quoted(p.Program)}, \"process\": {Quoted(p.Process)}, \"report\": " : $"{(n == 0 ? "" : "\n")}== {p}\n");
                Print(p.File, json, output, PluginsAreNamedBy.User);
                if (json) Text("}\n");
            }
            if (json) Text("]\n");
        }
        catch (IOException e) when (e.HResult == Libc.Epipe) { }
    }

    /// <summary>Where a report goes: a file, or standard output.</summary>
    public static System.IO.Stream Open(string? path)
    {
        // Opening these anew would begin at the file's start, over what the guest wrote.
        if (path is null or "-" or "/dev/stdout") return new Output(1);
        if (path is "/dev/stderr") return new Output(2);
        try { return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 1); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException) { throw new UserException($"cannot write {path}: {e.Message}"); }
    }
}

/// <summary>The symbols of the program that a data file belongs to, and of its libraries; none of a file that is not there any more or is another one now.</summary>
sealed class GuestSymbols(IReadOnlyList<(Image Image, string Path, string Prefix)> files) : ISymbols
{
    public static GuestSymbols? Of(GuestIdentity guest)
    {
        var files = new List<(Image, string, string)>();
        void Add(string path, string hash, ulong at, string prefix)
        {
            if (Read(path, hash, at) is { } image) files.Add((image, path, prefix));
        }
        Add(guest.Path, guest.Hash, guest.ImageBase, "");
        foreach (var l in guest.Libraries) Add(l.Path, l.Hash, l.Base, Path.GetFileName(l.Path) + "!");
        return files.Count > 0 ? new(files) : null;
    }

    static Image? Read(string path, string hash, ulong at)
    {
        try
        {
            var image = Image.Load(path, at);
            return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(image.File.Span)).Equals(hash, StringComparison.OrdinalIgnoreCase) ? image : null;
        }
        catch (BadInputException) { return null; }
    }

    public GuestSymbol? At(ulong address)
    {
        foreach (var (image, path, prefix) in files)
        {
            if (image.SegmentAt(address) is null) continue;
            if (image.Symbols.Find(address) is not { } s) return new($"{path}+0x{address - image.Base:x}", address, 0);
            if (!names.TryGetValue(s, out var name)) names[s] = name = Names(image, prefix, s);
            return new(name.Shown, s.Address, address - s.Address) { RawName = name.Raw };
        }
        return null;
    }

    readonly Dictionary<Symbol, (string Shown, string Raw)> names = new(ReferenceEqualityComparer.Instance);

    (string, string) Names(Image image, string prefix, Symbol s)
    {
        string which = image.Symbols.Distinction(s, image.Base), suffix = which == "" ? "" : $" ({which})";
        return ($"{prefix}{Demangle(s.Name)}{suffix}", $"{prefix}{s.Name}{suffix}");
    }

    public string Demangle(string name) => Demangler.Demangle(name);
}
