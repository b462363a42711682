using System.Globalization;
using System.IO.Enumeration;

namespace Emu.Instrumentation;

/// <summary>Which guest code a plugin is shown: the options <c>only=</c> and <c>exclude=</c> that every plugin has; exclude wins.</summary>
public sealed class Filter
{
    readonly List<Func<ulong, GuestSymbol?, bool>> only = [], exclude = [];

    /// <summary>Parts are separated by '|'; each is a symbol (* and ? allowed) or an address range 0xFROM-0xTO, TO not included.</summary>
    public static Filter From(PluginOptions options)
    {
        var filter = new Filter();
        foreach (var (key, value) in options.Values.Where(o => IsOption(o.Key)))
            (key == "only" ? filter.only : filter.exclude).AddRange(value.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(part => Part(options.Name, key, part)));
        return filter;
    }

    public static bool IsOption(string key) => key is "only" or "exclude";

    /// <summary>Whether the plugin is shown an instruction at that address.</summary>
    public bool Covers(ulong address, GuestSymbol? symbol) =>
        (only.Count == 0 || only.Any(matches => matches(address, symbol))) && !exclude.Any(matches => matches(address, symbol));

    static Func<ulong, GuestSymbol?, bool> Part(string plugin, string key, string part)
    {
        if (!part.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return (_, symbol) => symbol != null && FileSystemName.MatchesSimpleExpression(part, symbol.Name, ignoreCase: false);
        var ends = part.Split('-');
        if (ends.Length == 2 && Address(ends[0]) is { } from && Address(ends[1]) is { } to && from < to) return (address, _) => address >= from && address < to;
        throw new PluginException($"plugin {plugin}: {key}={part}: an address range is written 0xFROM-0xTO");
    }

    static ulong? Address(string s) =>
        s.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && ulong.TryParse(s[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var n) ? n : null;
}
