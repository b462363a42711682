using System.IO.Enumeration;

namespace Emu.Instrumentation;

/// <summary>Which guest code a plugin is shown: the options <c>only=</c> and <c>exclude=</c> that every plugin has; exclude wins.</summary>
public sealed class Filter
{
    readonly List<Func<ulong, GuestSymbol?, bool>> only = [], exclude = [];
    readonly List<(string Text, string Symbol)> symbols = [];

    /// <summary>The symbols that it names, and how that was said: <c>only=sort*</c>.</summary>
    public IReadOnlyList<(string Text, string Symbol)> Symbols => symbols;

    /// <summary>Parts are separated by '|'; each is a symbol (* and ? allowed) or an address range 0xFROM-0xTO, TO not included.</summary>
    public static Filter From(PluginOptions options)
    {
        var filter = new Filter();
        foreach (var (key, value) in options.Values.Where(o => IsOption(o.Key)))
            foreach (string part in value.Split('|', StringSplitOptions.RemoveEmptyEntries))
            {
                (key == "only" ? filter.only : filter.exclude).Add(Part(options.Name, key, part));
                if (!AddressRange.IsMeant(part)) filter.symbols.Add(($"{key}={part}", part));
            }
        return filter;
    }

    public static bool IsOption(string key) => key is "only" or "exclude";

    /// <summary>Whether the plugin is shown an instruction at that address.</summary>
    public bool Covers(ulong address, GuestSymbol? symbol) =>
        (only.Count == 0 || only.Any(matches => matches(address, symbol))) && !exclude.Any(matches => matches(address, symbol));

    static Func<ulong, GuestSymbol?, bool> Part(string plugin, string key, string part)
    {
        if (!AddressRange.IsMeant(part))
            return (_, symbol) => symbol != null && FileSystemName.MatchesSimpleExpression(part, symbol.Name, ignoreCase: false);
        if (AddressRange.Parse(part) is { } range) return (address, _) => range.Has(address);
        throw new PluginException($"plugin {plugin}: {key}={part}: {AddressRange.Form}");
    }
}
