using System.Text.Json;
using Emu.Instrumentation;

namespace Emu.Plugins;

/// <summary>What is written to which descriptor: a C probe looks at every system call and keeps a record of each write(2) and writev(2).</summary>
[Plugin("probe", "how much is written to which descriptor (the guide's example of a C probe)")]
public sealed class WriteSizes : InstrumentationPass
{
    readonly record struct Write(ulong Pc, ulong Fd, ulong Bytes);

    readonly Stream<Write> writes = new("writes");
    readonly Probe onSyscall = Probe.FromC("probe.c", "on_syscall");

    public override void SystemCall(SystemCallSite at) => at.After.Call(onSyscall, writes, at.Address, at.Number, at.Argument(0), at.Result);

    public override void Report(Collected data, TextWriter to)
    {
        foreach (var d in Descriptors(data))
            to.WriteLine($"descriptor {d.Fd}: {d.Calls} writes, {d.Bytes} bytes");
    }

    public override void ReportJson(Collected data, Utf8JsonWriter to)
    {
        foreach (var d in Descriptors(data))
        {
            to.WriteStartObject($"{d.Fd}");
            to.WriteNumber("writes", d.Calls);
            to.WriteNumber("bytes", d.Bytes);
            to.WriteEndObject();
        }
    }

    IEnumerable<(ulong Fd, int Calls, long Bytes)> Descriptors(Collected data) =>
        data.Records(writes).GroupBy(w => w.Fd).OrderBy(g => g.Key).Select(g => (g.Key, g.Count(), g.Sum(w => (long)w.Bytes)));
}
