using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json;
using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Oracle;

/// <summary>Plugins against the CPU: what `insns`, `memtrace` and a probe see of the tiny guests is what single-stepping them shows.</summary>
public class EventTruthTests
{
    const ulong FlagsKnown = 0xcd5 | 0x202; // status flags, DF, IF and the bit that is always 1

    static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [MemberData(nameof(TinyGuests.All), MemberType = typeof(TinyGuests))]
    public void Total_and_accesses(string guest)
    {
        var native = TinyGuests.Trace(guest);
        var report = Report(guest, ["insns", "memtrace"]);
        Assert.Equal(native.Instructions.Count, Total(report));
        Same(native.Events.Select(Line), Accesses(report));
    }

    [Theory]
    [InlineData("calls")]
    [InlineData("strings")]
    public void Alone_and_together(string guest)
    {
        var both = Report(guest, ["memtrace", "insns"]);
        Assert.Equal(Total(Report(guest, ["insns"])), Total(both));
        Same(Accesses(Report(guest, ["memtrace"])), Accesses(both));
    }

    [Theory]
    [MemberData(nameof(TinyGuests.All), MemberType = typeof(TinyGuests))]
    public void Registers_in_a_probe(string guest)
    {
        var native = TinyGuests.Trace(guest).Instructions;
        var log = Path.Combine(Repository.Work("truth"), $"{guest}.registers");
        File.Delete(log);
        Run(guest, [Path.Combine(Repository.Root, "tests/oracle/regtrace")], ("REGTRACE", log));
        var words = Words(log);
        Same(native.Select((n, i) => Line(n.Visible(), n, first: i == 0)),
            words.Chunk(18).Select((w, i) => Line(w, i < native.Count ? native[i] : null, first: i == 0)));
    }

    static string Line(MemoryEvent e) => $"{e.Pc:x} {e.Address:x} {e.Size} {(e.IsStore ? "W" : "R")}{(e.Locked ? "L" : "")}";

    /// <summary>Eighteen words as text, without bits that nobody defines; the first rsp is the kernel's choice.</summary>
    static string Line(ulong[] words, Executed? native, bool first)
    {
        var w = words.ToArray();
        w[1] &= FlagsKnown & ~(native?.UndefinedFlags ?? 0);
        w[2 + 11] &= ~(native?.UndefinedR11 ?? 0);
        if (first)
            w[2 + Step.Rsp] = 0;
        return string.Join(' ', w.Select(x => x.ToString("x")));
    }

    static ulong[] Words(string path)
    {
        var bytes = File.ReadAllBytes(path);
        return [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8 * i)))];
    }

    static int Total(JsonElement report) => report.GetProperty("insns").GetProperty("total").GetInt32();

    static IEnumerable<string> Accesses(JsonElement report) => report.GetProperty("memtrace").GetProperty("accesses").EnumerateArray()
        .Select(a => $"{a.GetProperty("pc").GetUInt64():x} {a.GetProperty("address").GetUInt64():x} {a.GetProperty("size").GetInt32()} {a.GetProperty("kind").GetString()}");

    static JsonElement Report(string guest, string[] plugins)
    {
        var data = Path.Combine(Repository.Work("truth"), $"{guest}.{string.Join('+', plugins)}.emudata");
        Run(guest, plugins, ("EMU_DATA", data));
        return JsonDocument.Parse(Repository.Run(Path.Combine(Repository.Root, "emu"), "report", data, "--json")).RootElement;
    }

    static void Run(string guest, string[] plugins, (string Name, string Value) variable)
    {
        var path = TinyGuests.Build(guest);
        var start = new ProcessStartInfo(Runners.Build(path, plugins)) { RedirectStandardOutput = true, WorkingDirectory = Repository.Work("truth") };
        start.Environment[variable.Name] = variable.Value;
        using var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        if (!process.WaitForExit(Limit))
        {
            process.Kill();
            Assert.Fail($"{guest} with {string.Join(", ", plugins)} does not end");
        }
        Assert.InRange(process.ExitCode, 0, 127);
    }

    /// <summary>Compares line by line and shows the first difference with what leads to it.</summary>
    static void Same(IEnumerable<string> expected, IEnumerable<string> actual)
    {
        string[] a = [.. expected], b = [.. actual];
        var at = 0;
        while (at < a.Length && at < b.Length && a[at] == b[at])
            at++;
        var before = string.Join('\n', a[Math.Max(0, at - 2)..at]);
        Assert.True(at == a.Length && at == b.Length,
            $"differs at {at} of {a.Length} (translated {b.Length}), after\n{before}\nCPU        {a.ElementAtOrDefault(at)}\ntranslated {b.ElementAtOrDefault(at)}");
    }
}
