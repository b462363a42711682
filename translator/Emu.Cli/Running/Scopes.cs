using System.IO.Enumeration;
using Emu.Cli.Options;
using Emu.Instrumentation;
using Emu.Translator.Closure;
using Emu.Translator.Elf;

namespace Emu.Cli.Running;

/// <summary>What <c>--only</c> and <c>--exclude</c> name, in a program and its libraries.</summary>
sealed class Scopes
{
    readonly string program;
    readonly (Image Image, string[] Names)[] files;

    Scopes(GuestFile guest, Image image, IReadOnlyList<Module> modules)
    {
        program = guest.Typed;
        files = [(image, [Path.GetFileName(guest.Path), guest.CommandName, guest.Path]), .. modules.Select(m => (m.Image, (string[])[Path.GetFileName(m.Path), m.Image.SoName ?? "", m.Path]))];
    }

    /// <summary>The addresses; <see cref="UserException"/> for a name that nothing has.</summary>
    public static Scope Of(TranslationOptions options, GuestFile guest, Image image, IReadOnlyList<Module> modules)
    {
        if (!options.Only.Any() && !options.Exclude.Any()) return Scope.Everything;
        var scopes = new Scopes(guest, image, modules);
        return new([.. options.Only.Select(t => scopes.Part("--only", t))], [.. options.Exclude.Select(t => scopes.Part("--exclude", t))]);
    }

    /// <summary>Refuses plugins' own options <c>only=</c> and <c>exclude=</c> that name nothing.</summary>
    public static void Check(IReadOnlyList<Plugin> plugins, GuestFile guest, Image image, IReadOnlyList<Module> modules)
    {
        var scopes = new Scopes(guest, image, modules);
        foreach (var p in plugins)
            foreach (var (text, symbol) in p.Filter.Symbols)
                if (!scopes.files.Any(f => f.Image.Symbols.All.Any(s => Matches(symbol, s.Name)))) throw scopes.Unknown($"-p {p.Options.Name},{text}");
    }

    UserException Unknown(string option) =>
        new($"{option}: {program} and its libraries have no function of that name; the files are: {string.Join(' ', files.Select(f => f.Names[0]))}");

    ScopePart Part(string option, string text)
    {
        if (AddressRange.Parse(text) is { } range) return new(text, [range]);
        AddressRange[] found = [.. OfFile(text)];
        if (found.Length == 0) found = [.. OfSymbol(text)];
        if (found.Length == 0) throw Unknown($"{option} {text}");
        return new(text, found);
    }

    IEnumerable<AddressRange> OfFile(string text)
    {
        string path = text.Contains('/') ? GuestFile.RealPath(text) : text;
        return files.Where(f => f.Names.Contains(path)).Select(f => Module.RangeOf(f.Image)).Select(r => new AddressRange(r.From, r.To));
    }

    /// <summary>Every function of that name, or of FILE!NAME, as reports write it.</summary>
    IEnumerable<AddressRange> OfSymbol(string text) =>
        from f in files
        from s in f.Image.Symbols.All
        where (Matches(text, s.Name) || Matches(text, $"{f.Names[0]}!{s.Name}")) && f.Image.IsExecutable(s.Address)
        select new AddressRange(s.Address, f.Image.Symbols.EndOf(s) ?? Module.RangeOf(f.Image).To);

    static bool Matches(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}
