using System.Reflection;
using System.Runtime.CompilerServices;

namespace Emu.Instrumentation;

/// <summary>One field of a record: its bytes follow those of the field before it, least significant first.</summary>
public sealed record StreamField(string Name, int Bytes)
{
    /// <summary>How many bits of a word it holds: one, if it is a bool.</summary>
    internal int Bits { get; init; } = 8 * Bytes;

    internal bool IsSigned { get; init; }

    /// <summary>Whether it holds all of a word.</summary>
    internal bool Holds(Word word) => word.Bits <= Bits || IsSigned && (long?)word.Known is { } n && n < 0 && n >= -1L << (Bits - 1);
}

/// <summary>A sequence of binary records of one layout, written by <c>Append</c>; see <see cref="Stream{T}"/>.</summary>
public abstract class RecordStream(string name, IReadOnlyList<StreamField> fields)
{
    /// <summary>The name inside the plugin; in the data file it is "plugin.name".</summary>
    public string Name { get; } = Names.Check(name);
    public IReadOnlyList<StreamField> Fields { get; } = fields;

    /// <summary>Bytes of one record.</summary>
    public int Size { get; } = fields.Sum(f => f.Bytes);

    /// <summary>A file of its own; null: the data file. What cannot be mapped (a pipe, /dev/null) gets the bare records.</summary>
    public string? Path { get; set; }

    /// <summary>"plugin.name", once the pass is part of a run.</summary>
    internal string FullName { get; set; } = name;

    /// <summary>Its number in the runner, 0 ... 7, once the pass is part of a run.</summary>
    internal int Id { get; set; } = -1;
}

/// <summary>
/// A stream of <typeparamref name="T"/>: a struct of integers without padding, whose fields are the record's. The first 8 bytes
/// of a record hold something known at the site and not 0 (the instruction's address, usually): where they are 0, a killed run's
/// records end.
/// </summary>
public sealed class Stream<T>(string name) : RecordStream(name, Layout()) where T : unmanaged
{
    static StreamField[] Layout()
    {
        var fields = DeclaredFields.Of(typeof(T)).Select(Field).ToArray();
        int size = fields.Sum(f => f.Bytes);
        if (size != Unsafe.SizeOf<T>()) throw new ArgumentException($"record {typeof(T).Name} has padding: order its fields from wide to narrow, or add one to fill the gap");
        return size >= 8 ? fields : throw new ArgumentException($"record {typeof(T).Name} is too short: a record has at least 8 bytes");
    }

    /// <summary>The compiler keeps property X of a record in field &lt;X&gt;k__BackingField.</summary>
    static string PropertyName(string field) => field[0] == '<' ? field[1..field.IndexOf('>')] : field;

    static StreamField Field(FieldInfo f)
    {
        string name = PropertyName(f.Name);
        return Type.GetTypeCode(f.FieldType) switch
        {
            TypeCode.Boolean => new(name, 1) { Bits = 1 },
            TypeCode.Byte => new(name, 1),
            TypeCode.UInt16 => new(name, 2),
            TypeCode.UInt32 => new(name, 4),
            TypeCode.UInt64 => new(name, 8),
            TypeCode.SByte => new(name, 1) { IsSigned = true },
            TypeCode.Int16 => new(name, 2) { IsSigned = true },
            TypeCode.Int32 => new(name, 4) { IsSigned = true },
            TypeCode.Int64 => new(name, 8) { IsSigned = true },
            _ => throw new ArgumentException($"record {typeof(T).Name}: field {name} is no integer"),
        };
    }
}
