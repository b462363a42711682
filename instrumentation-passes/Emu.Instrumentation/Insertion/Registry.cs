namespace Emu.Instrumentation;

/// <summary>What the plugins of a run declare, numbered in command line order and then in order of declaration.</summary>
public sealed class Registry
{
    public const int MaxStreams = 8;

    readonly List<Counters> arrays = [];
    readonly List<RecordStream> streams = [];
    readonly List<(Plugin Plugin, Probe Probe)> probes = [];

    public Registry(IReadOnlyList<Plugin> plugins)
    {
        foreach (var p in plugins)
        {
            foreach (var c in Declared<Counters>(p.Pass)) { c.FullName = $"{p.Name}.{c.Name}"; arrays.Add(c); }
            foreach (var s in Declared<RecordStream>(p.Pass)) { s.FullName = $"{p.Name}.{s.Name}"; s.Id = streams.Count; streams.Add(s); }
            probes.AddRange(Declared<Probe>(p.Pass).Select(probe => (p, probe)));
        }
        if (streams.Count > MaxStreams) throw new PluginException($"the plugins have {streams.Count} streams; a run has at most {MaxStreams}");
        if (arrays.Select(a => a.FullName).Concat(streams.Select(s => s.FullName)).GroupBy(n => n).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new PluginException($"{twice.Key} is declared twice");
    }

    /// <summary>Counter arrays by id: the array "plugin.counter" of <c>count</c> is number n here.</summary>
    public IReadOnlyList<string> Arrays => [.. arrays.Select(a => a.FullName)];

    /// <summary>Streams by id, 0 ... 7.</summary>
    public IReadOnlyList<StreamInfo> Streams => [.. streams.Select(s => new StreamInfo(s.Id, s.FullName, s.Fields, s.Path))];

    /// <summary>The names that passes gave to keys so far, by array. Complete when every region has been instrumented.</summary>
    public IReadOnlyList<IReadOnlyDictionary<ulong, string>> Labels => [.. arrays.Select(a => a.Labels.ToDictionary())];

    /// <summary>Whether a run's counters and streams are those that are declared here.</summary>
    public bool Declares(Meta run) => Arrays.SequenceEqual(run.Arrays.Select(a => a.Name)) && Streams.Select(Layout).SequenceEqual(run.Streams.Select(Layout));

    static string Layout(StreamInfo s) => $"{s.Name} {string.Join(' ', s.Fields)}";

    /// <summary>Whose each C function is: plugins by function.</summary>
    public IReadOnlyDictionary<string, string> ProbeOwners => probes.GroupBy(p => p.Probe.Function).ToDictionary(g => g.Key, g => g.First().Plugin.Name);

    /// <summary>The C functions that may be called, and where their sources are.</summary>
    public IReadOnlyList<ProbeInfo> Probes()
    {
        var found = probes.Select(p => new ProbeInfo(p.Probe.Function, p.Probe.Locate(p.Plugin.Pass))).Distinct().ToList();
        if (found.GroupBy(p => p.Function).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new PluginException($"two probes are named {twice.Key}: {string.Join(", ", twice.Select(p => p.File))}");
        return found;
    }

    /// <summary>The values of a pass's fields of one type, base classes first, in order of declaration.</summary>
    internal static IEnumerable<T> Declared<T>(InstrumentationPass pass)
    {
        var types = new Stack<System.Type>();
        for (var t = pass.GetType(); t != null; t = t.BaseType) types.Push(t);
        return types.SelectMany(DeclaredFields.Of).Select(f => f.GetValue(pass)).OfType<T>().Distinct();
    }
}

/// <summary>A stream of a run: its number, "plugin.stream", the layout of its records and, if it has one, its own file.</summary>
public sealed record StreamInfo(int Id, string Name, IReadOnlyList<StreamField> Fields, string? Path)
{
    public int Size => Fields.Sum(f => f.Bytes);
}

/// <summary>A C function of a plugin, and the file that defines it.</summary>
public sealed record ProbeInfo(string Function, string File);
