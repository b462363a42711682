using System.Text.Json;
using Emu.Instrumentation;

namespace Emu.Plugins;

/// <summary>Counts executed instructions by mnemonic and by class.</summary>
[Plugin("opcodes", "which kinds of instructions run: by mnemonic and by class")]
public sealed class OpcodeMix : InstrumentationPass
{
    /// <summary>By "class mnemonic".</summary>
    readonly Counters mix = new("mix");

    [Option("top", "how many mnemonics to print (30)")]
    public int Top { get; set; } = 30;

    public override void Instruction(InstructionSite at) =>
        at.Count(mix, key: $"{at.Instruction.Class} {at.Instruction.Mnemonic}".ToLowerInvariant());

    public override void Report(Collected data, TextWriter to)
    {
        double total = Math.Max(data[mix].Total, 1);
        to.WriteLine($"{data[mix].Total,16:n0} instructions");
        foreach (var (name, count) in Classes(data)) to.WriteLine($"{count,16:n0} {count / total,6:p1} {name}");
        to.WriteLine();
        foreach (var (key, count) in data[mix].Top(Top)) to.WriteLine($"{count,16:n0} {count / total,6:p1} {Split(data, key).Mnemonic}");
    }

    public override void ReportJson(Collected data, Utf8JsonWriter to)
    {
        to.WriteNumber("total", data[mix].Total);
        to.WriteStartObject("classes");
        foreach (var (name, count) in Classes(data)) to.WriteNumber(name, count);
        to.WriteEndObject();
        to.WriteStartObject("mnemonics");
        foreach (var (name, count) in Sum(data, key => Split(data, key).Mnemonic)) to.WriteNumber(name, count);
        to.WriteEndObject();
    }

    IEnumerable<(string Class, ulong Count)> Classes(Collected data) => Sum(data, key => Split(data, key).Class);

    IEnumerable<(string, ulong)> Sum(Collected data, Func<ulong, string> by) =>
        data[mix].GroupBy(c => by(c.Key), (name, counts) => (name, Sum: counts.Aggregate(0ul, (sum, c) => sum + c.Value))).OrderByDescending(c => c.Sum);

    (string Class, string Mnemonic) Split(Collected data, ulong key) => data.Label(mix, key).Split(' ') is [var c, var m] ? (c, m) : ("?", $"0x{key:x}");
}
