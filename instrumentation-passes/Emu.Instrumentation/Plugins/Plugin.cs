using System.Reflection;

namespace Emu.Instrumentation;

/// <summary>A plugin of a run: the pass with its options bound, ready to be shown sites.</summary>
/// <param name="Name">What its data is called: unique in the run.</param>
/// <param name="Source">What names it on a command line: a name or a path.</param>
public sealed record Plugin(string Name, string Source, InstrumentationPass Pass, PluginOptions Options)
{
    /// <summary>Which guest code it is shown.</summary>
    public Filter Filter { get; } = Filter.From(Options);

    /// <summary>Binds the options and starts the pass.</summary>
    /// <param name="folder">Where the plugin's C files are looked up first.</param>
    public static Plugin Create(InstrumentationPass pass, PluginOptions options, string? folder = null)
    {
        options.BindTo(pass);
        pass.Folder = folder;
        var plugin = new Plugin(NameOf(pass.GetType()), options.Name, pass, options);
        plugin.Do(p => p.Start());
        return plugin;
    }

    /// <summary>Has the pass do something; whatever it throws is the plugin's fault, and says so in one line.</summary>
    public void Do(Action<InstrumentationPass> what)
    {
        try { what(Pass); }
        catch (Exception e) when (e is not (PluginException or IOException))
        {
            throw new PluginException($"plugin {Name}: {(e is SiteException ? e.Message : $"{e.GetType().Name}: {e.Message.Split('\n')[0]} (EMU_DEBUG=1 shows where)")}", e);
        }
    }

    /// <summary>Gives plugins that are named more than once names of their own: blocks, blocks2, ...</summary>
    public static IReadOnlyList<Plugin> Distinct(IEnumerable<Plugin> plugins)
    {
        var seen = new HashSet<string>();
        return [.. plugins.Select(p =>
        {
            string name = p.Name;
            for (int n = 2; !seen.Add(name); n++) name = $"{p.Name}{n}";
            return p with { Name = name };
        })];
    }

    /// <summary>The name that a pass's <see cref="PluginAttribute"/> gives.</summary>
    public static string NameOf(System.Type pass) =>
        pass.GetCustomAttribute<PluginAttribute>() is { } a ? Names.Check(a.Name) : throw new PluginException($"class {pass.Name} has no [Plugin(\"name\")]");
}

/// <summary>A plugin that cannot be used as it was asked for; the message is one line for the user.</summary>
public sealed class PluginException(string message, Exception? inner = null) : Exception(message, inner);
