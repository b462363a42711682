using System.Reflection;
using CommandLine;

namespace Emu.Cli.Options;

/// <summary>Puts right what CommandLineParser 2.9.1 does not understand of a getopt command line.</summary>
static class Words
{
    /// <summary>The options that may be said more than once: long names, and what is short for one.</summary>
    static readonly (string Long, string? Short)[] lists = [("--plugin", "-p"), ("--only", null), ("--exclude", null)];

    /// <summary>
    /// Moves the words of each list to the end, as one option: a list would take every word after it ("-p insns GUEST"). The order stays.
    /// </summary>
    public static string[] ListsLast(string[] words)
    {
        var rest = new List<string>();
        var found = lists.Select(_ => new List<string>()).ToArray();
        for (int n = 0; n < words.Length; n++)
        {
            int list = Array.FindIndex(lists, l => IsOf(l, words[n]));
            if (list < 0) rest.Add(words[n]);
            else if (ValueIn(lists[list], words[n]) is { } value) found[list].Add(value);
            else if (n + 1 < words.Length) found[list].Add(words[++n]);
            else rest.Add(words[n]);
        }
        foreach (var (list, values) in lists.Zip(found))
            if (values.Count > 0) rest.Add($"{list.Long}={string.Join(TranslationOptions.Between, values)}");
        return [.. rest];
    }

    static bool IsOf((string Long, string? Short) list, string word) =>
        word == list.Long || word.StartsWith(list.Long + "=", StringComparison.Ordinal) || list.Short != null && word.StartsWith(list.Short, StringComparison.Ordinal);

    /// <summary>The value that is said in the same word: --plugin=VALUE, -pVALUE.</summary>
    static string? ValueIn((string Long, string? Short) list, string word) =>
        word.StartsWith(list.Long + "=", StringComparison.Ordinal) ? word[(list.Long.Length + 1)..]
        : word != list.Long && word != list.Short ? word[list.Short!.Length..] : null;

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
