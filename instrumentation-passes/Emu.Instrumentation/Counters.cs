namespace Emu.Instrumentation;

/// <summary>An array of exact 64-bit counters, one for each key that a site uses. Lives in the data file from the start.</summary>
public sealed class Counters(string name)
{
    readonly SortedDictionary<ulong, string> labels = [];

    /// <summary>The name inside the plugin; in the data file it is "plugin.name".</summary>
    public string Name { get; } = Names.Check(name);

    /// <summary>"plugin.name", once the pass is part of a run.</summary>
    internal string FullName { get; set; } = name;

    /// <summary>Gives a key a name, which reports find with <see cref="Collected.Label"/>.</summary>
    public void Label(ulong key, string text)
    {
        lock (labels) labels[key] = text;
    }

    /// <summary>The key that stands for a text: the same in every run (FNV-1a, 64 bits). Labels it, too.</summary>
    public ulong Key(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(text)) hash = (hash ^ b) * 1099511628211;
        Label(hash, text);
        return hash;
    }

    /// <summary>Every label given so far, by key.</summary>
    internal KeyValuePair<ulong, string>[] Labels
    {
        get { lock (labels) return [.. labels]; }
    }
}

static class Names
{
    /// <summary>Names appear in IR text and in meta data: letters, digits, '_' and '-'.</summary>
    public static string Check(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? name : throw new ArgumentException($"'{name}': a name has letters, digits, '_' and '-'");
}
