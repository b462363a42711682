using System.Reflection;
using CommandLine;

namespace Emu.Cli.Options;

/// <summary>Puts right what CommandLineParser 2.9.1 does not understand of a getopt command line.</summary>
static class Words
{
    /// <summary>
    /// Moves plugins to the end, as one option: a list would take every word after it ("-p insns GUEST"). The order stays.
    /// </summary>
    public static string[] PluginsLast(string[] words)
    {
        var rest = new List<string>();
        var plugins = new List<string>();
        for (int n = 0; n < words.Length; n++)
        {
            string w = words[n];
            if (w is "-p" or "--plugin" && n + 1 < words.Length) plugins.Add(words[++n]);
            else if (w.StartsWith("--plugin=", StringComparison.Ordinal)) plugins.Add(w["--plugin=".Length..]);
            else if (w.StartsWith("-p", StringComparison.Ordinal) && w.Length > 2) plugins.Add(w[2..]);
            else rest.Add(w);
        }
        if (plugins.Count > 0) rest.Add("--plugin=" + string.Join(TranslationOptions.Between, plugins));
        return [.. rest];
    }

    /// <summary>Refuses an option at the end that lacks its value: the parser takes it for one that was not said.</summary>
    public static void CheckLast(string[] words, object options)
    {
        string last = words[^1];
        if (!last.StartsWith('-') || last.Contains('=')) return;
        foreach (var property in options.GetType().GetProperties())
            if (property.PropertyType != typeof(bool) && property.GetCustomAttribute<OptionAttribute>() is { } o && (last == "-" + o.ShortName || last == "--" + o.LongName))
                throw new UsageException($"{words[0]}: {last} needs a value (emu {words[0]} --help)");
    }
}
