using System.Text.Json;
using Emu.Instrumentation;

namespace Emu.Plugins;

/// <summary>Counts how often every translation block runs.</summary>
[Plugin("blocks", "how often every translation block runs")]
public sealed class BlockCounter : InstrumentationPass
{
    readonly Counters runs = new("runs");

    [Option("top", "how many blocks to print (20)")]
    public int Top { get; set; } = 20;

    public override void Block(BlockSite at) => at.Count(runs, key: at.Address);

    public override void Report(Collected data, TextWriter to)
    {
        to.WriteLine($"{data[runs].Total,16:n0} block executions of {data[runs].Count} blocks");
        foreach (var (address, count) in data[runs].Top(Top)) to.WriteLine($"{count,16:n0} {data.Symbolize(address)}");
    }

    public override void ReportJson(Collected data, Utf8JsonWriter to)
    {
        to.WriteNumber("total", data[runs].Total);
        to.WriteObjects("blocks", data[runs].Top(int.MaxValue), c =>
        {
            to.WriteString("address", $"0x{c.Key:x}");
            to.WriteSymbol(data.SymbolAt(c.Key));
            to.WriteNumber("count", c.Value);
        });
    }
}
