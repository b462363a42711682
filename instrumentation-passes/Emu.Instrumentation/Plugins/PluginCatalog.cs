using System.Reflection;

namespace Emu.Instrumentation;

/// <summary>What plugins there are: those built in, by name, and a user's own, by path.</summary>
/// <param name="builtIn">The assembly of the plugins that come with emu.</param>
/// <param name="cache">The folder where compiled plugins of users are kept.</param>
public sealed class PluginCatalog(Assembly builtIn, string cache)
{
    readonly System.Type[] known = [.. PassesOf(builtIn)];

    /// <summary>A folder for what is being made, on the same file system as the cache.</summary>
    public Func<string> Work { get; init; } = () => cache;

    /// <summary>The built-in plugins: name, help, and options with their help.</summary>
    public IEnumerable<PluginHelp> BuiltIn => known.Select(PluginHelp.Of);

    /// <summary>Makes the plugins of a command line, in its order; each text is <c>name,key=value,...</c> or <c>path,...</c>.</summary>
    public IReadOnlyList<Plugin> Create(IEnumerable<string> texts) => Create(texts.Select(PluginOptions.Parse));

    /// <summary>Makes the plugins that a data file names.</summary>
    public IReadOnlyList<Plugin> Create(Meta meta) => Create(meta.Plugins.Select(p => p.Options));

    /// <summary>A plugin of the user's own is named by a path: with a slash, or ending in .dll.</summary>
    public static bool IsPath(string name) => name.Contains('/') || name.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);

    IReadOnlyList<Plugin> Create(IEnumerable<PluginOptions> all) => Plugin.Distinct(all.SelectMany(Make).ToList());

    IEnumerable<Plugin> Make(PluginOptions options)
    {
        string name = options.Name;
        if (IsPath(name)) return UserPlugins.Load(name, options, cache, Work);
        var pass = known.FirstOrDefault(t => Plugin.NameOf(t) == name)
            ?? throw new PluginException($"no plugin '{name}'; there are: {string.Join(", ", known.Select(Plugin.NameOf))}, or a path: ./MyPass.dll, ./folder");
        return [Plugin.Create(Instance(pass), options)];
    }

    internal static InstrumentationPass Instance(System.Type pass) =>
        pass.GetConstructor(System.Type.EmptyTypes) is { } make ? (InstrumentationPass)make.Invoke(null) : throw new PluginException($"class {pass.Name} has no constructor without parameters");

    internal static IEnumerable<System.Type> PassesOf(Assembly a) =>
        a.GetTypes().Where(t => t is { IsAbstract: false } && t.IsSubclassOf(typeof(InstrumentationPass))).OrderBy(t => t.FullName, StringComparer.Ordinal);
}

/// <summary>What <c>emu plugins</c> says about a plugin.</summary>
public sealed record PluginHelp(string Name, string Help, IReadOnlyList<OptionAttribute> Options)
{
    internal static PluginHelp Of(System.Type pass) =>
        new(Plugin.NameOf(pass), pass.GetCustomAttribute<PluginAttribute>()!.Help, [.. PluginOptions.Of(pass).Select(o => o.Option)]);
}
