using System.Text.Encodings.Web;
using System.Text.Json;

namespace Emu.Instrumentation;

/// <summary>Prints what a run collected.</summary>
public static class Report
{
    /// <summary>Each plugin's report under its name, for people.</summary>
    public static void Print(DataFile file, IReadOnlyList<Plugin> plugins, ISymbols? symbols, TextWriter to)
    {
        var data = Bind(file, plugins, symbols);
        if (file.Meta.Scope.ToString() is { Length: > 0 } scope) to.WriteLine($"restricted to {scope}");
        foreach (var p in plugins)
        {
            to.WriteLine($"[{p.Name}]");
            p.Do(pass => pass.Report(data, to));
        }
    }

    /// <summary>One object with a member for each plugin, for machines.</summary>
    public static void PrintJson(DataFile file, IReadOnlyList<Plugin> plugins, ISymbols? symbols, System.IO.Stream to)
    {
        var data = Bind(file, plugins, symbols);
        using var json = new Utf8JsonWriter(to, new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        foreach (var p in plugins)
        {
            json.WriteStartObject(p.Name);
            Print(json, file.Meta.Scope);
            p.Do(pass => pass.ReportJson(data, json));
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.Flush();
        to.WriteByte((byte)'\n');
    }

    /// <summary>What the code was restricted to, if it was.</summary>
    static void Print(Utf8JsonWriter json, Scope scope)
    {
        if (scope.ToString() == "") return;
        json.WriteStartObject("restricted");
        Print(json, "only", scope.Only);
        Print(json, "exclude", scope.Exclude);
        json.WriteEndObject();
    }

    static void Print(Utf8JsonWriter json, string name, IReadOnlyList<ScopePart> parts)
    {
        if (parts.Count == 0) return;
        json.WriteStartArray(name);
        foreach (var p in parts) json.WriteStringValue(p.Text);
        json.WriteEndArray();
    }

    static Collected Bind(DataFile file, IReadOnlyList<Plugin> plugins, ISymbols? symbols)
    {
        _ = new Registry(plugins);
        return new(file, symbols);
    }
}

/// <summary>What a pass without a report of its own prints: its counters.</summary>
static class DefaultReport
{
    public static void Print(InstrumentationPass pass, Collected data, TextWriter to)
    {
        foreach (var c in Registry.Declared<Counters>(pass))
        {
            to.WriteLine($"{data[c].Total,16:n0} {c.Name}");
            foreach (var (key, count) in data[c].Top(20)) to.WriteLine($"{count,16:n0}   {data.Label(c, key)}");
        }
    }

    public static void Print(InstrumentationPass pass, Collected data, Utf8JsonWriter to)
    {
        foreach (var c in Registry.Declared<Counters>(pass))
        {
            to.WriteStartObject(c.Name);
            to.WriteNumber("total", data[c].Total);
            to.WriteStartObject("counts");
            foreach (var (key, count) in data[c]) to.WriteNumber(data.Label(c, key), count);
            to.WriteEndObject();
            to.WriteEndObject();
        }
    }
}
