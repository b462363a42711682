using System.Text.Json;
using Emu.Instrumentation;

namespace Emu.Plugins;

/// <summary>
/// Counts calls of library functions by caller's file and callee's name, or prints them, as ltrace does. A call is a jump or call through a
/// slot of the global offset table that the dynamic linker fills with a function (its PLT stub's jump): so each counts once, bound lazily or not.
/// With <c>direct=on</c> also calls whose target is a symbol's first instruction.
/// </summary>
[Plugin("calls", "calls of library functions (through the PLT): how often each; or all of them, one by one")]
public sealed class CallTrace : InstrumentationPass
{
    readonly record struct Call(ulong Pc, ulong Key, ulong A, ulong B, ulong C, ulong D, ulong E, ulong F);

    static readonly string[] registers = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];

    /// <summary>By "caller's file callee".</summary>
    readonly Counters calls = new("calls");
    Stream<Call>? trace;

    [Option("trace", "on: print every call with its arguments (off)")]
    public bool Trace { get; set; }

    [Option("args", "how many integer arguments to print, 0 to 6 (3)")]
    public int Args { get; set; } = 3;

    [Option("direct", "on: also direct calls by symbol, as inside a static program (off)")]
    public bool Direct { get; set; }

    [Option("top", "how many functions to print (all)")]
    public int Top { get; set; } = int.MaxValue;

    public override void Start()
    {
        if (Args is < 0 or > 6) throw new PluginException($"plugin calls: args={Args}: 0 to 6 expected");
        if (Trace) trace = new("trace");
    }

    public override void Instruction(InstructionSite at)
    {
        if (Callee(at.Instruction) is not { } callee) return;
        string name = $"{at.Instruction.File} {callee}";
        if (trace is null) at.Count(calls, name);
        else
        {
            Word Argument(int n) => n < Args ? at.Register(registers[n]) : 0;
            at.Append(trace, at.Instruction.Address, calls.Key(name), Argument(0), Argument(1), Argument(2), Argument(3), Argument(4), Argument(5));
        }
    }

    string? Callee(GuestInstruction i) => i.Import ?? (Direct && i is { Branch: BranchKind.Call, TargetSymbol: { Offset: 0, Name: var name } } ? name : null);

    public override void Report(Collected data, TextWriter to)
    {
        if (!Rows(data).Any()) to.WriteLine(Nothing(data));
        else if (trace != null) PrintTrace(data, to);
        else foreach (var c in Rows(data).Take(Top)) to.WriteLine($"{c.Count,12:n0} {c.File} {data.Demangle(c.Callee)}");
    }

    string Nothing(Collected data) =>
        "no calls" + (Direct ? "" : data.Run.Meta.Guest.Libraries.Count == 0 ? " of library functions: the program is linked statically (direct=on: direct calls by symbol, too)" : " of library functions (direct=on: direct calls by symbol, too)");

    void PrintTrace(Collected data, TextWriter to)
    {
        foreach (var thread in data.RecordsOfThreads(trace!).GroupBy(r => r.Thread, r => r.Record).Index())
        {
            if (thread.Index > 0) to.WriteLine();
            to.WriteLine($"thread {thread.Item.Key}");
            foreach (var c in thread.Item)
            {
                ulong[] words = [c.A, c.B, c.C, c.D, c.E, c.F];
                var (file, callee) = Split(data.Label(calls, c.Key));
                to.WriteLine($"{file} {data.Demangle(callee)}({string.Join(", ", words.Take(Args).Select(SystemCallText.Number))})");
            }
        }
    }

    public override void ReportJson(Collected data, Utf8JsonWriter to)
    {
        to.WriteObjects("calls", Rows(data), c =>
        {
            to.WriteString("file", c.File);
            to.WriteName("function", data.Demangle(c.Callee), c.Callee);
            to.WriteNumber("count", c.Count);
        });
    }

    IEnumerable<(string File, string Callee, ulong Count)> Rows(Collected data)
    {
        var counts = trace is null ? data[calls].Select(c => (c.Key, c.Value)) : data.Records(trace).GroupBy(c => c.Key).Select(g => (g.Key, (ulong)g.Count()));
        return counts.Select(c => (Split(data.Label(calls, c.Item1)), c.Item2)).Select(c => (c.Item1.File, c.Item1.Callee, c.Item2))
            .OrderByDescending(c => c.Item3).ThenBy(c => c.File, StringComparer.Ordinal).ThenBy(c => c.Callee, StringComparer.Ordinal);
    }

    /// <summary>A file's name may have spaces, a function's has none.</summary>
    static (string File, string Callee) Split(string label) => label.LastIndexOf(' ') is >= 0 and var at ? (label[..at], label[(at + 1)..]) : ("?", label);
}
