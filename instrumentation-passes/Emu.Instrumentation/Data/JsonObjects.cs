using System.Text.Json;

namespace Emu.Instrumentation;

/// <summary>Lists in JSON reports.</summary>
public static class JsonObjects
{
    const int Pending = 1 << 16;

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
