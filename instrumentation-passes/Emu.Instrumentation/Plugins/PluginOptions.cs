using System.Globalization;
using System.Reflection;

namespace Emu.Instrumentation;

/// <summary>What is said after <c>-p</c>: a plugin's name or path, and its options in order.</summary>
public sealed record PluginOptions(string Name, IReadOnlyList<KeyValuePair<string, string>> Values)
{
    /// <summary>Parses <c>name,key=value,flag</c>; a key without a value means on.</summary>
    public static PluginOptions Parse(string text)
    {
        var parts = text.Split(',');
        if (parts[0] == "") throw new PluginException($"-p {text}: a plugin's name comes first");
        return new(parts[0], [.. parts.Skip(1).Where(p => p != "").Select(p => p.Split('=', 2)).Select(p => new KeyValuePair<string, string>(p[0], p.Length == 2 ? p[1] : "on"))]);
    }

    public override string ToString() => string.Join(',', Values.Select(v => $"{v.Key}={v.Value}").Prepend(Name));

    /// <summary>Sets a pass's options; what it does not have is a <see cref="PluginException"/> that lists what it has.</summary>
    public void BindTo(InstrumentationPass pass)
    {
        var known = Of(pass.GetType()).ToDictionary(o => o.Option.Name, o => o.Property);
        foreach (var (key, value) in Values.Where(v => !Filter.IsOption(v.Key)))
        {
            if (!known.TryGetValue(key, out var property))
                throw new PluginException($"plugin {Name} has no option '{key}'; it has: {string.Join(", ", known.Keys.Concat(["only", "exclude"]))}");
            property.SetValue(pass, Convert(key, value, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
        }
    }

    /// <summary>The options that a pass declares.</summary>
    public static IEnumerable<(OptionAttribute Option, PropertyInfo Property)> Of(System.Type pass) =>
        pass.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(p => p.IsDefined(typeof(OptionAttribute))).Select(p => (p.GetCustomAttribute<OptionAttribute>()!, p));

    object Convert(string key, string value, System.Type type)
    {
        bool hex = value.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var digits = hex ? value.AsSpan(2) : value;
        var style = hex ? NumberStyles.AllowHexSpecifier : NumberStyles.AllowLeadingSign;
        if (type == typeof(string)) return value;
        if (type == typeof(bool) && value is "on" or "true" or "yes" or "1") return true;
        if (type == typeof(bool) && value is "off" or "false" or "no" or "0") return false;
        if (type == typeof(int) && int.TryParse(digits, style, CultureInfo.InvariantCulture, out int i)) return i;
        if (type == typeof(long) && long.TryParse(digits, style, CultureInfo.InvariantCulture, out long l)) return l;
        if (type == typeof(ulong) && ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out ulong u)) return u;
        if (type.IsEnum && Enum.TryParse(type, value, ignoreCase: true, out var e) && Enum.IsDefined(type, e)) return e;
        throw new PluginException($"plugin {Name}: {key}={value}: {Expected(type)} expected");
    }

    static string Expected(System.Type type) => type switch
    {
        _ when type == typeof(bool) => "on or off",
        _ when type.IsEnum => string.Join(" or ", Enum.GetNames(type).Select(n => n.ToLowerInvariant())),
        _ when type == typeof(int) || type == typeof(long) || type == typeof(ulong) => "a number",
        _ => $"an option cannot have type {type.Name}: a value of another type",
    };
}
