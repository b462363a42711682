using System.Globalization;
using System.Text.Json;

namespace Emu.Instrumentation;

/// <summary>The program that was translated. <paramref name="BuildId"/> is its ELF build-id, null without one; <paramref name="Hash"/> its bytes' SHA-256.</summary>
public sealed record GuestIdentity(string Path, string? BuildId, string Hash, ulong ImageBase)
{
    /// <summary>Its dynamic linker and libraries, each at its base.</summary>
    public IReadOnlyList<LibraryIdentity> Libraries { get; init; } = [];
}

/// <summary>A library that was translated with the program. <paramref name="Hash"/> is its bytes' SHA-256.</summary>
public sealed record LibraryIdentity(string Path, string Hash, ulong Base);

/// <summary>A plugin as the command line named it.</summary>
public sealed record PluginUse(string Name, PluginOptions Options);

/// <summary>A counter array: "plugin.counters", with the names of its keys where a pass gave them.</summary>
public sealed record ArrayInfo(int Id, string Name, IReadOnlyDictionary<ulong, string> Labels);

/// <summary>What a data file says about itself: everything that <c>emu report</c> needs to know. Stored as JSON.</summary>
public sealed record Meta(GuestIdentity Guest, IReadOnlyList<PluginUse> Plugins, IReadOnlyList<ArrayInfo> Arrays, IReadOnlyList<StreamInfo> Streams)
{
    const int Version = 1;

    /// <summary>The code that the plugins were shown.</summary>
    public Scope Scope { get; init; } = Scope.Everything;

    /// <summary>Describes a run. Take it after the last region was instrumented: labels come from there.</summary>
    public static Meta Of(GuestIdentity guest, IReadOnlyList<Plugin> plugins, Registry registry) => new(guest,
        [.. plugins.Select(p => new PluginUse(p.Name, p.Options))],
        [.. registry.Arrays.Select((name, id) => new ArrayInfo(id, name, registry.Labels[id]))],
        registry.Streams);

    /// <summary>The JSON text, UTF-8.</summary>
    public byte[] ToJson()
    {
        var buffer = new MemoryStream();
        using (var w = new Utf8JsonWriter(buffer)) Write(w);
        return buffer.ToArray();
    }

    void Write(Utf8JsonWriter w)
    {
        w.WriteStartObject();
        w.WriteNumber("emu", Version);
        w.WriteStartObject("guest");
        w.WriteString("path", Guest.Path);
        w.WriteString("buildId", Guest.BuildId);
        w.WriteString("hash", Guest.Hash);
        w.WriteNumber("imageBase", Guest.ImageBase);
        w.WriteObjects("libraries", Guest.Libraries, l => { w.WriteString("path", l.Path); w.WriteString("hash", l.Hash); w.WriteNumber("base", l.Base); });
        w.WriteEndObject();
        w.WriteObjects("only", Scope.Only, p => Write(w, p));
        w.WriteObjects("exclude", Scope.Exclude, p => Write(w, p));
        w.WriteObjects("plugins", Plugins, p =>
        {
            w.WriteString("name", p.Name);
            w.WriteString("source", p.Options.Name);
            w.WriteObjects("options", p.Options.Values, o => { w.WriteString("key", o.Key); w.WriteString("value", o.Value); });
        });
        w.WriteObjects("arrays", Arrays, a =>
        {
            w.WriteNumber("id", a.Id);
            w.WriteString("name", a.Name);
            w.WriteStartObject("labels");
            foreach (var (key, text) in a.Labels.OrderBy(l => l.Key)) w.WriteString(key.ToString(CultureInfo.InvariantCulture), text);
            w.WriteEndObject();
        });
        w.WriteObjects("streams", Streams, s =>
        {
            w.WriteNumber("id", s.Id);
            w.WriteString("name", s.Name);
            w.WriteString("path", s.Path);
            w.WriteObjects("fields", s.Fields, f => { w.WriteString("name", f.Name); w.WriteNumber("bytes", f.Bytes); });
        });
        w.WriteEndObject();
    }

    static void Write(Utf8JsonWriter w, ScopePart p)
    {
        w.WriteString("text", p.Text);
        w.WriteObjects("ranges", p.Ranges, r => { w.WriteNumber("from", r.From); w.WriteNumber("to", r.To); });
    }

    /// <summary>Reads the JSON text; <see cref="DataFileException"/> if it is not one of ours.</summary>
    public static Meta FromJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DataFileException("its description of the plugins cannot be read");
        }
    }

    static Meta Read(JsonElement root)
    {
        if (root.GetProperty("emu").GetInt32() != Version) throw new DataFileException($"it was written by another version of emu");
        var guest = root.GetProperty("guest");
        return new(
            new(Text(guest, "path")!, Text(guest, "buildId"), Text(guest, "hash")!, guest.GetProperty("imageBase").GetUInt64())
            {
                Libraries = guest.TryGetProperty("libraries", out _) ? [.. All(guest, "libraries").Select(l => new LibraryIdentity(Text(l, "path")!, Text(l, "hash")!, l.GetProperty("base").GetUInt64()))] : [],
            },
            [.. All(root, "plugins").Select(p => new PluginUse(Text(p, "name")!, new(Text(p, "source")!, [.. All(p, "options").Select(o => KeyValuePair.Create(Text(o, "key")!, Text(o, "value")!))])))],
            [.. All(root, "arrays").Select(a => new ArrayInfo(Number(a, "id"), Text(a, "name")!, a.GetProperty("labels").EnumerateObject().ToDictionary(l => ulong.Parse(l.Name, CultureInfo.InvariantCulture), l => l.Value.GetString()!)))],
            [.. All(root, "streams").Select(s => new StreamInfo(Number(s, "id"), Text(s, "name")!, [.. All(s, "fields").Select(f => new StreamField(Text(f, "name")!, Number(f, "bytes")))], Text(s, "path")))])
        {
            Scope = new(Parts(root, "only"), Parts(root, "exclude")),
        };
    }

    static ScopePart[] Parts(JsonElement root, string name) => !root.TryGetProperty(name, out _) ? []
        : [.. All(root, name).Select(p => new ScopePart(Text(p, "text")!, [.. All(p, "ranges").Select(r => new AddressRange(r.GetProperty("from").GetUInt64(), r.GetProperty("to").GetUInt64()))]))];

    static JsonElement.ArrayEnumerator All(JsonElement e, string name) => e.GetProperty(name).EnumerateArray();
    static string? Text(JsonElement e, string name) => e.GetProperty(name).GetString();
    static int Number(JsonElement e, string name) => e.GetProperty(name).GetInt32();
}
