using System.Text.Json;

namespace Emu.Instrumentation;

/// <summary>Lists in JSON reports.</summary>
public static class JsonObjects
{
    const int Pending = 1 << 16;

    /// <summary>A name for people; where the file has another one, that follows as "mangled".</summary>
    public static void WriteName(this Utf8JsonWriter to, string member, string? name, string? raw)
    {
        to.WriteString(member, name);
        if (raw != null && raw != name) to.WriteString("mangled", raw);
    }

    /// <summary>The same of a symbol, with the offset inside it.</summary>
    public static void WriteSymbol(this Utf8JsonWriter to, GuestSymbol? symbol) => to.WriteName("symbol", symbol?.ToString(), symbol is null ? null : (symbol with { Name = symbol.RawName }).ToString());

    /// <summary>A member that is an array with an object for each item; however many they are, few bytes of them are held.</summary>
    /// <param name="members">Writes the object's members.</param>
    public static void WriteObjects<T>(this Utf8JsonWriter to, string name, IEnumerable<T> items, Action<T> members)
    {
        to.WriteStartArray(name);
        foreach (var item in items)
        {
            to.WriteStartObject();
            members(item);
            to.WriteEndObject();
            if (to.BytesPending > Pending) to.Flush();
        }
        to.WriteEndArray();
    }
}
