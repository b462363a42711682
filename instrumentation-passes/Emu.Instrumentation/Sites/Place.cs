using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>A point in the guest's code where actions go: before or after something. Several plugins add to one place, in order.</summary>
public sealed class Place
{
    Dictionary<Word, V>? computed;
    readonly List<Inst> code = [];

    internal Place(Function function, ulong rip) => (E, Rip) = (Emitter.Into(function, code), rip);

    /// <summary>Where words are computed and actions go.</summary>
    internal Emitter E { get; }

    /// <summary>What the guest's rip is here: all guest state is architectural at a place, so it is a number.</summary>
    internal ulong Rip { get; }

    /// <summary>Whether it is in no code of the guest's: rip is known at run time only.</summary>
    internal bool IsEvent { get; init; }

    /// <summary>What was inserted.</summary>
    internal IReadOnlyList<Inst> Code => code;

    /// <summary>Whether the event happens at all, where only the run can tell (i1): the store of a compare-and-exchange.</summary>
    internal Word? Guard { get; init; }

    /// <summary>Whether an access's value does not exist here yet.</summary>
    internal bool IsTooEarly { get; init; }

    /// <summary>Adds <paramref name="by"/> to the counter of <paramref name="key"/>.</summary>
    public void Count(Counters counters, ulong key = 0, long by = 1) =>
        Act(Op.Count, guarded => new Detail.Cell(counters.FullName, key, by, guarded), []);

    /// <summary>Adds to the counter that stands for a text; see <see cref="Counters.Key"/>.</summary>
    public void Count(Counters counters, string key, long by = 1) => Count(counters, counters.Key(key), by);

    /// <summary>Appends a record: one word for each field of the stream, which must hold all of it (<see cref="Word.Low"/> cuts one).</summary>
    public void Append(RecordStream stream, params ReadOnlySpan<Word> words)
    {
        if (words.Length != stream.Fields.Count) throw new SiteException($"stream {stream.FullName} has {stream.Fields.Count} fields ({string.Join(", ", stream.Fields.Select(f => f.Name))}), not {words.Length}");
        var values = new V[words.Length];
        int offset = 0;
        bool marked = false;
        for (int n = 0; n < words.Length; offset += stream.Fields[n++].Bytes)
        {
            var field = stream.Fields[n];
            if (!field.Holds(words[n])) throw new SiteException($"stream {stream.FullName}: {TooLarge(field, words[n])}");
            values[n] = words[n].In(this, IrType.Int(8 * field.Bytes));
            marked |= offset < 8 && values[n].Value is Const { Bits: var bits } && (ulong)bits << Math.Max(0, 8 * (offset + field.Bytes - 8)) != 0;
        }
        if (!marked) throw new SiteException($"stream {stream.FullName}: the first 8 bytes of a record must hold a number that is known at the site and not 0, such as at.Instruction.Address");
        Act(Op.Append, guarded => new Detail.Symbol(stream.FullName, guarded), values);
    }

    static string TooLarge(StreamField field, Word word) =>
        $"field {field.Name} has {field.Bits} bit{(field.Bits > 1 ? "s" : "")}, " + (word.Known is { } n ? $"0x{n:x} does not fit" : $"its word may have {word.Bits}") + $": make the field larger, or say .Low({field.Bits}) of the word";

    /// <summary>Calls a probe; each word arrives as a uint64_t.</summary>
    public void Call(Probe probe, params ReadOnlySpan<Word> words)
    {
        var values = new V[words.Length];
        for (int n = 0; n < words.Length; n++) values[n] = words[n].In(this, IrType.I64);
        Act(Op.Call, guarded => new Detail.Symbol(probe.Function, guarded), values);
    }

    /// <summary>A word's value, computed at its first use here.</summary>
    internal V Once(Word word, Func<Place, V> compute)
    {
        computed ??= [];
        return computed.TryGetValue(word, out var v) ? v : computed[word] = compute(this);
    }

    void Act(Op op, Func<bool, Detail> detail, V[] words)
    {
        if (Guard is { } guard) E.Emit(op, IrType.I64, detail(true), [guard.In(this, IrType.I1), .. words]);
        else E.Emit(op, IrType.I64, detail(false), words);
    }
}
