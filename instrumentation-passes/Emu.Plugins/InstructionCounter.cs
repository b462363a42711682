using System.Text.Json;
using Emu.Instrumentation;

namespace Emu.Plugins;

/// <summary>Counts executed instructions exactly, in total and per symbol. A rep string instruction is one; one that faults counts.</summary>
[Plugin("insns", "how many instructions run, in total and per symbol")]
public sealed class InstructionCounter : InstrumentationPass
{
    /// <summary>By the address of the function; 0: code of no file.</summary>
    readonly Counters executed = new("executed");

    [Option("top", "how many symbols to print (20)")]
    public int Top { get; set; } = 20;

    public override void Instruction(InstructionSite at) => at.Count(executed, key: at.Instruction.Function);

    public override void Report(Collected data, TextWriter to)
    {
        to.WriteLine($"{data[executed].Total,16:n0} instructions");
        foreach (var (symbol, count) in data[executed].Top(Top)) to.WriteLine($"{count,16:n0} {Name(data, symbol)}");
    }

    public override void ReportJson(Collected data, Utf8JsonWriter to)
    {
        to.WriteNumber("total", data[executed].Total);
        to.WriteObjects("symbols", data[executed].Top(int.MaxValue), c =>
        {
            to.WriteName("symbol", Name(data, c.Key), data.SymbolAt(c.Key)?.RawName);
            to.WriteString("address", $"0x{c.Key:x}");
            to.WriteNumber("count", c.Value);
        });
    }

    static string Name(Collected data, ulong symbol) => symbol == 0 ? "(no file)" : data.SymbolAt(symbol)?.Name ?? $"0x{symbol:x}";
}
