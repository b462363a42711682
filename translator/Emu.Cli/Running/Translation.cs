using Emu.Cli.Options;
using Emu.Instrumentation;
using Emu.Plugins;
using Emu.Translator;
using Emu.Translator.Closure;
using Emu.Translator.Elf;
using Emu.Translator.Instrumentation;
using Emu.Translator.Linking;

namespace Emu.Cli.Running;

/// <summary>The translator, set up as the command line says.</summary>
sealed class Translation
{
    readonly Lazy<Pipeline> pipeline;

    Translation(GuestFile guest, Image image, IReadOnlyList<Module> modules, Func<Pipeline> pipeline) =>
        (Guest, Image, Modules, this.pipeline) = (guest, image, modules, new(pipeline));

    public GuestFile Guest { get; }
    public Image Image { get; }
    public IReadOnlyList<Module> Modules { get; }
    public Pipeline Pipeline => pipeline.Value;

    /// <summary>Plugins by the command line's words.</summary>
    public static PluginCatalog Catalog => new(typeof(BlockCounter).Assembly, CacheFolder.Root) { Work = () => WorkFolder.Path };

    /// <summary>Reads a guest; what is wrong with it is said with its name.</summary>
    public static Translation Open(GuestFile guest, TranslationOptions options, bool withText = false)
    {
        var image = Load(guest);
        var modules = Libraries.Of(guest, image, options);
        return new(guest, image, modules, () => new(image, new(options.Level, options.Jobs, new ObjectCache(CacheFolder.Part("objects"), Version.Translator), RuntimeCore.Path)
        {
            WithText = withText,
            Roots = options.NoProfile ? [] : MissProfile.Of(image.File.Span).Roots,
            Coverage = options.Coverage,
            HasFixedAddresses = options is BuildOptions { NoAslr: true },
            ExactFaults = HandlesFaults(image, options),
            Modules = modules,
            Follow = Follow.Of(options),
            Fallback = FallbackProgram.Find(options),
            Files = [CodeFile.Of(guest.Path, image), .. modules.Select(m => CodeFile.Of(m.Path, m.Image))],
            Scope = Scopes.Of(options, guest, image, modules),
            Plugins = Plugins(options, guest, image, modules),
            Progress = Progress.Show,
        }));
    }

    static IReadOnlyList<Plugin> Plugins(TranslationOptions options, GuestFile guest, Image image, IReadOnlyList<Module> modules)
    {
        var plugins = Catalog.Create(options.Plugins.Select(Anywhere));
        Scopes.Check(plugins, guest, image, modules);
        return plugins;
    }

    /// <summary>Whether an earlier run has learnt that the program has handlers for faults.</summary>
    public static bool HandlesFaults(Image image, TranslationOptions options) => !options.NoProfile && MissProfile.Of(image.File.Span).HandlesFaults;

    /// <summary>A plugin named by path, so that a data file names it from any folder.</summary>
    public static string Anywhere(string plugin)
    {
        var words = plugin.Split(',', 2);
        return PluginCatalog.IsPath(words[0]) && Path.Exists(words[0]) ? string.Join(',', [Path.GetFullPath(words[0]), .. words[1..]]) : plugin;
    }

    /// <summary>Makes the runner; <paramref name="output"/> appears whole or not at all.</summary>
    public void Build(string output)
    {
        if (!Image.HasEntry) throw new UserException($"{Guest.Typed}: a shared library: it has no entry point");
        try { Pipeline.Build(Guest.Path, output); }
        catch (BadInputException e) { throw new UserException($"{Guest.Typed}: {e.Message}"); }
        finally { Progress.Erase(); }
    }

    static Image Load(GuestFile guest)
    {
        try { return Image.Load(guest.Path); }
        catch (BadInputException e) { throw new UserException($"{guest.Typed}: {e.Message}", guest.WrongCode); }
    }
}
