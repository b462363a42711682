using System.Text.Json;
using Emu.Instrumentation;

namespace Emu.Plugins;

/// <summary>Counts system calls, their errors and their time; with <c>trace=on</c> a line for each, much as strace writes it.</summary>
[Plugin("syscalls", "system calls: count, time and errors of each; or all of them, one by one")]
public sealed class SystemCallTrace : InstrumentationPass
{
    enum Kind : uint { Enter = 1, Leave, Text, Signal, Gone }

    readonly record struct Call(uint Kind, uint Number, ulong Result, ulong Nanoseconds);
    internal readonly record struct Event(uint Kind, uint Number, ulong A, ulong B, ulong C, ulong D, ulong E, ulong F, ulong G);

    readonly Probe enter = Probe.FromC("syscalls.c", "syscalls_enter"), leave = Probe.FromC("syscalls.c", "syscalls_leave");
    readonly Probe begin = Probe.FromC("syscalls.c", "syscalls_begin"), end = Probe.FromC("syscalls.c", "syscalls_end"), signal = Probe.FromC("syscalls.c", "syscalls_signal");
    Stream<Call>? calls;
    Stream<Event>? trace;

    [Option("trace", "on: print every call with its arguments and result (off)")]
    public bool Trace { get; set; }

    public override void Start()
    {
        if (Trace) trace = new("trace");
        else calls = new("calls");
    }

    public override void SystemCall(SystemCallSite at)
    {
        if (trace != null)
        {
            at.Call(begin, trace, at.Number, at.Argument(0), at.Argument(1), at.Argument(2), at.Argument(3), at.Argument(4), at.Argument(5));
            at.After.Call(end, trace, at.Number, at.Result);
        }
        else
        {
            at.Call(enter, calls!, at.Number);
            at.After.Call(leave, calls!, at.Number, at.Result);
        }
    }

    public override void Signal(SignalSite at)
    {
        if (trace != null) at.Call(signal, trace, at.Number, at.Code);
    }

    public override void Report(Collected data, TextWriter to)
    {
        if (trace != null) PrintTrace(data, to);
        else PrintTable(data, to);
    }

    void PrintTable(Collected data, TextWriter to)
    {
        to.WriteLine($"{"calls",12} {"errors",8} {"seconds",12}  name");
        foreach (var row in Rows(data)) to.WriteLine($"{row.Calls,12:n0} {row.Errors,8:n0} {row.Nanoseconds / 1e9,12:f6}  {row.Name}");
    }

    void PrintTrace(Collected data, TextWriter to)
    {
        foreach (var thread in data.RecordsOfThreads(trace!).GroupBy(r => r.Thread, r => r.Record).Index())
        {
            if (thread.Index > 0) to.WriteLine();
            to.WriteLine($"thread {thread.Item.Key}");
            foreach (string line in SystemCallText.Lines(thread.Item)) to.WriteLine(line);
        }
    }

    public override void ReportJson(Collected data, Utf8JsonWriter to)
    {
        foreach (var row in Rows(data))
        {
            to.WriteStartObject(row.Name);
            to.WriteNumber("calls", row.Calls);
            to.WriteNumber("errors", row.Errors);
            to.WriteNumber("nanoseconds", row.Nanoseconds);
            to.WriteEndObject();
        }
    }

    IEnumerable<(string Name, int Calls, int Errors, long Nanoseconds)> Rows(Collected data)
    {
        var all = calls != null ? data.Records(calls) : data.Records(trace!).Where(e => e.Kind == (uint)Kind.Leave).Select(e => new Call(e.Kind, e.Number, e.A, e.B));
        return all.GroupBy(c => c.Number)
            .Select(g => (SystemCallNames.Of(g.Key), g.Count(), g.Count(c => SystemCallText.IsError(c.Result)), g.Sum(c => (long)c.Nanoseconds)))
            .OrderByDescending(r => r.Item4).ThenBy(r => r.Item1, StringComparer.Ordinal);
    }
}
