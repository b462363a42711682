using System.Text;
using System.Text.Json;
using Emu.Instrumentation;
using Emu.Ir.Text;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>Data files made by hand: what the reader finds in them, what reports print, and what damage it survives.</summary>
public sealed class DataFileTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("emu-data-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    static readonly GuestIdentity guest = new("/bin/guest", "abcd", "00ff", 0x10000000);

    static Meta MetaOf(IReadOnlyList<Plugin> plugins) => Meta.Of(guest, plugins, new(plugins));

    string Write(byte[] bytes, string name = "guest.emudata")
    {
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    string Text(byte[] file, IReadOnlyList<Plugin> plugins)
    {
        using var data = DataFile.Open(Write(file));
        var to = new StringWriter { NewLine = "\n" };
        Report.Print(data, plugins, new Symbols(), to);
        return to.ToString();
    }

    JsonElement Json(byte[] file, IReadOnlyList<Plugin> plugins)
    {
        using var data = DataFile.Open(Write(file));
        var to = new MemoryStream();
        Report.PrintJson(data, plugins, new Symbols(), to);
        return JsonDocument.Parse(Encoding.UTF8.GetString(to.ToArray())).RootElement;
    }

    sealed class Symbols : ISymbols
    {
        public GuestSymbol? At(ulong address) => address is >= 0x401000 and < 0x402000 ? new("main", 0x401000, address - 0x401000) : null;
    }

    [Fact]
    public void MetaSurvivesItsText()
    {
        var plugins = GoldenTests.Plugins("memtrace,file=/tmp/x y", "opcodes,top=3");
        ((Counters)Registry.Declared<Counters>(plugins[1].Pass).Single()).Label(ulong.MaxValue, "sse \"addps\"");
        var meta = MetaOf(plugins);
        var again = Meta.FromJson(meta.ToJson());
        Assert.Equal(meta.Guest with { Libraries = again.Guest.Libraries }, again.Guest);
        Assert.Equal(meta.Guest.Libraries, again.Guest.Libraries);
        Assert.Equal(["memtrace,file=/tmp/x y", "opcodes,top=3"], again.Plugins.Select(p => p.Options.ToString()));
        Assert.Equal("sse \"addps\"", again.Arrays.Single().Labels[ulong.MaxValue]);
        Assert.Equal("/tmp/x y", again.Streams.Single().Path);
        Assert.Equal(meta.ToJson(), again.ToJson());
    }

    [Fact]
    public void CountsOfOneKeyAreAdded()
    {
        var plugins = GoldenTests.Plugins("blocks,top=2", "insns");
        var file = new DataFileBuilder(MetaOf(plugins)).Cell(0, 0x401000, 5).Cell(1, 0x401000, 9).Cell(0, 0x401000, 6).Cell(0, 0x500000, 12).Cell(0, 0x401010, 0).Cell(0, 0x401020, 1).Cell(1, 0, 2).Build();
        Assert.Equal("""
            [blocks]
                          24 block executions of 3 blocks
                          12 0x500000
                          11 0x401000 main
            [insns]
                          11 instructions
                           9 main
                           2 (no file)

            """, Text(file, plugins));
        var json = Json(file, plugins);
        Assert.Equal(11, json.GetProperty("insns").GetProperty("total").GetInt64());
        Assert.Equal("main+0x20", json.GetProperty("blocks").GetProperty("blocks")[2].GetProperty("symbol").GetString());
    }

    /// <summary>A record of memtrace.</summary>
    static byte[] Access(ulong pc, ushort size, ushort kind, params ulong[] rest) =>
        [.. BitConverter.GetBytes(pc), .. BitConverter.GetBytes(size), .. BitConverter.GetBytes(kind), .. rest.SelectMany(BitConverter.GetBytes)];

    [Fact]
    public void TraceInOrderOfThreadsAndSequence()
    {
        var plugins = GoldenTests.Plugins("memtrace");
        var file = new DataFileBuilder(MetaOf(plugins))
            .Chunk(0, thread: 9, sequence: 0, used: 20, Access(0x401000, 8, 0, 0x7ffe0000), Access(1, 1, 1, 1))
            .Chunk(0, thread: 7, sequence: 1, used: 40, Access(0x401004, 4, 1, 0x7ffe0008), Access(0x7f3200401008, 1, 3, 0x7ffe000c))
            .Chunk(0, thread: 9, sequence: 3, used: 0, Access(0x40100c, 16, 2, 0x10), new byte[20], Access(2, 2, 2, 2))
            .Chunk(3, thread: 9, sequence: 0, used: 20, Access(3, 3, 3, 3))
            .Chunk(0, thread: 9, sequence: 2, used: 0)
            .Build(state: 0);
        Assert.Equal("""
            [memtrace]
            0x401000 0x7ffe0000 8 R
            0x40100c 0x10 16 RL
            0x401004 0x7ffe0008 4 W
            0x7f3200401008 0x7ffe000c 1 WL

            """, Text(file, plugins));
        Assert.Equal(["R", "RL", "W", "WL"], Json(file, plugins).GetProperty("memtrace").GetProperty("accesses").EnumerateArray().Select(a => a.GetProperty("kind").GetString()));
    }

    [Fact]
    public void ATraceWithValuesInItsOwnFile()
    {
        var plugins = GoldenTests.Plugins("memtrace,value=on,file=own.trace,head=1");
        var build = new DataFileBuilder(MetaOf(plugins));
        var file = build.Build();
        Assert.Equal("[memtrace]\n", Text(file, plugins));
        build.Chunk(0, 1, 0, 72, Access(0x401000, 16, 0, 0x2000, 0xabc, 1), Access(0x401001, 16, 0, 0, 0, 0));
        Write(build.Chunks(), "own.trace");
        Assert.Equal("[memtrace]\n0x401000 0x2000 16 R 0x10000000000000abc\n", Text(file, plugins));
    }

    [Fact]
    public void OpcodesByClassAndMnemonic()
    {
        var plugins = GoldenTests.Plugins("opcodes");
        string region = "function 0x1000\n\n0x1000:\n  insn 0x1000 1 \"add\"\n  insn 0x1001 1 \"nop\"\n    goto 0x1002\n";
        new Instrumenter(plugins).Run(Parser.Parse(region), new TextGuest(Parser.Parse(region), region));
        var keys = new Registry(plugins).Labels[0].ToDictionary(l => l.Value, l => l.Key);
        var file = new DataFileBuilder(MetaOf(plugins)).Cell(0, keys["arithmetic add"], 3).Cell(0, keys["other nop"], 1).Cell(0, 77, 4).Build();
        var mix = Json(file, plugins).GetProperty("opcodes");
        Assert.Equal((8, 3, 4), (mix.GetProperty("total").GetInt32(), mix.GetProperty("classes").GetProperty("arithmetic").GetInt32(), mix.GetProperty("mnemonics").GetProperty("0x4d").GetInt32()));
    }

    [Fact]
    public void WithoutAReportEveryCounterIsPrinted()
    {
        var plugins = GoldenTests.Plugins("everything");
        var file = new DataFileBuilder(MetaOf(plugins)).Cell(0, 0, 3).Cell(0, 1, 4).Build(state: 2, status: 11);
        Assert.Equal("[everything]\n               7 hits\n               4   0x1\n               3   0x0\n", Text(file, plugins));
        using var data = DataFile.Open(Write(file));
        Assert.Equal((RunState.Signalled, 11), (data.State, data.Status));
    }

    [Fact]
    public void DamageIsOneLine()
    {
        var whole = new DataFileBuilder(MetaOf(GoldenTests.Plugins("blocks"))).Cell(0, 1, 1).Chunk(0, 1, 1, 16, Access(1, 0, 0, 1)).Build();
        string Error(byte[] bytes) => Assert.Throws<DataFileException>(() => { using var d = DataFile.Open(Write(bytes)); _ = new Collected(d, null); }).Message;
        Assert.EndsWith("guest.emudata: this is not a data file of emu", Error([]));
        Assert.EndsWith("this is not a data file of emu", Error([.. Enumerable.Repeat((byte)'x', 9000)]));
        Assert.EndsWith("it is cut off", Error(whole[..4100]));
        var json = (byte[])whole.Clone();
        json[4096] = (byte)'[';
        Assert.EndsWith("its description of the plugins cannot be read", Error(json));
        Assert.EndsWith("there is no such file", Assert.Throws<DataFileException>(() => DataFile.Open(folder + "/none")).Message);
        for (int size = 0; size < whole.Length; size += 97)
            try { Text(whole[..size], GoldenTests.Plugins("blocks")); }
            catch (DataFileException) { }
    }
}
