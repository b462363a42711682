using System.Runtime.InteropServices;
using Emu.Instrumentation;
using Emu.Ir;
using Emu.Ir.Text;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>What a site refuses, what words cost, and what a run's registry says.</summary>
public class SiteTests
{
    const string Region = """
        ; symbol main 0x401000 0x401100
        function 0x401000

        0x401000:
          insn 0x401000 3 "mov rax,[rbx]"
            %0 = get.i64 rbx
            %1 = load.i64 %0
            set.i64 rax, %1
          insn 0x401003 2 "syscall"
            syscall 0x401003.1

        0x401003.1:
            deliver 0x401005

        0x401005:
          insn 0x401005 1 "ret"
            %0 = get.i64 rax
            ret %0
        """;

    [Theory]
    [InlineData("early", "0x401000: the value of this access of 'mov rax,[rbx]' is not known before it: use at.After")]
    [InlineData("impatient", "0x401003: the result of a system call is not known before it: use at.After")]
    [InlineData("late", "0x401003: there is no place after 'syscall': it transfers control (ask HasAfter, or use the instruction that it leads to)")]
    [InlineData("unmarked", "stream unmarked.pairs: the first 8 bytes of a record must hold a number that is known at the site and not 0, such as at.Instruction.Address")]
    [InlineData("cutting", "stream cutting.pairs: field Address has 32 bits, its word may have 64: make the field larger, or say .Low(32) of the word")]
    public void Refusals(string plugin, string message) =>
        Assert.Equal($"plugin {plugin}: {message}", Assert.Throws<PluginException>(() => GoldenTests.Run(Parser.Parse(Region), Region, plugin)).Message);

    [Fact]
    public void AStreamWantsAWordForEachField()
    {
        var at = new Place(new(0x1000), 0x1000);
        Assert.Equal("stream s has 2 fields (A, B), not 1", Assert.Throws<SiteException>(() => at.Append(new Stream<Two>("s"), 1)).Message);
    }

    readonly record struct Two(ulong A, ulong B);
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    readonly record struct Narrow(ulong Pc, uint U32, int I32, ushort U16, bool Flag, byte U8);

    static readonly Word rax = GuestRegisters.Word("rax"), eax = GuestRegisters.Word("eax"), al = GuestRegisters.Word("al");

    /// <summary>Words that a field of each kind holds whatever they are at run time.</summary>
    public static TheoryData<string, Word> Whole => new()
    {
        { "U32", eax }, { "I32", eax }, { "U32", rax.Low(32) }, { "U32", rax >> 32 }, { "U32", rax & uint.MaxValue }, { "U32", uint.MaxValue }, { "I32", -1 }, { "I32", int.MinValue },
        { "U16", al << 8 }, { "U16", al | 0xff00 }, { "U16", al + al }, { "U16", 65535 }, { "Flag", true }, { "Flag", rax >> 63 }, { "U8", al ^ 255 }, { "U8", eax.Low(8) },
    };

    [Theory, MemberData(nameof(Whole))]
    public void AFieldHoldsWhatFits(string field, Word word) => Assert.Null(Append(field, word));

    /// <summary>And words that it may not hold, with what is said of them.</summary>
    public static TheoryData<string, Word, string> Cut => new()
    {
        { "U32", rax, "32 bits, its word may have 64" }, { "I32", rax, "32 bits, its word may have 64" }, { "U32", rax >> 31, "32 bits, its word may have 33" },
        { "U32", -1, "32 bits, 0xffffffffffffffff does not fit" }, { "U32", 0x7f0000401000, "32 bits, 0x7f0000401000 does not fit" }, { "I32", int.MinValue - 1L, "32 bits, 0xffffffff7fffffff does not fit" },
        { "U16", eax, "16 bits, its word may have 32" }, { "U16", al + 65535, "16 bits, its word may have 17" }, { "U8", 256, "8 bits, 0x100 does not fit" }, { "U8", al - al, "8 bits, its word may have 64" },
        { "Flag", al, "1 bit, its word may have 8" }, { "Flag", 2, "1 bit, 0x2 does not fit" },
    };

    [Theory, MemberData(nameof(Cut))]
    public void AWordIsNotCutInSilence(string field, Word word, string said) => Assert.Contains($"field {field} has {said}: make the field larger", Append(field, word)!);

    static string? Append(string field, Word word)
    {
        Word For(string name) => name == field ? word : 0;
        var at = new Place(new(0x1000), 0x1000);
        try { at.Append(new Stream<Narrow>("s"), 0x1000, For("U32"), For("I32"), For("U16"), For("Flag"), For("U8")); }
        catch (SiteException e) { return e.Message; }
        return null;
    }

    readonly record struct Gap(uint A, ulong B);
    readonly record struct Short(uint A);
    readonly record struct Real(double A);

    [Fact]
    public void RecordsAreIntegersWithoutPadding()
    {
        Assert.Contains("has padding", Assert.Throws<ArgumentException>(() => new Stream<Gap>("s")).Message);
        Assert.Contains("at least 8 bytes", Assert.Throws<ArgumentException>(() => new Stream<Short>("s")).Message);
        Assert.Contains("field A is no integer", Assert.Throws<ArgumentException>(() => new Stream<Real>("s")).Message);
        Assert.Equal([new("A", 8), new("B", 8)], new Stream<Two>("s").Fields);
    }

    [Fact]
    public void NoSuchRegister() => Assert.StartsWith("no register 'xmm0'", Assert.Throws<SiteException>(() => GuestRegisters.Word("xmm0")).Message);

    [Theory]
    [InlineData("rdi", "get.i64 rdi"), InlineData("edi", "get.i32 rdi"), InlineData("di", "get.i16 rdi"), InlineData("dil", "get.i8 rdi")]
    [InlineData("ah", "get.i8 rax+1"), InlineData("al", "get.i8 rax"), InlineData("r9d", "get.i32 r9"), InlineData("r9b", "get.i8 r9"), InlineData("spl", "get.i8 rsp")]
    [InlineData("fsbase", "get.i64 fsbase"), InlineData("rflags", "rflags")]
    public void Registers(string name, string read)
    {
        var f = new Function(0x1000);
        var at = new Place(f, 0x1000);
        at.Call(Probe.FromC("p.c", "p"), GuestRegisters.Word(name), GuestRegisters.Word(name));
        f.Blocks.Add(new(0x1000));
        f.Blocks[0].Code.AddRange(at.Code);
        Assert.Single(Printer.Print(f).Split('\n'), l => l.EndsWith("= " + read, StringComparison.Ordinal));
    }

    [Fact]
    public void ArithmeticOfKnownNumbersCostsNothing()
    {
        Word a = 0x1234ul;
        Assert.Equal(0x48ul, ((a >> 6) & 0xff).Known);
        Assert.Equal(ulong.MaxValue, ((Word)0 - 1).Known);
        Assert.Equal(ulong.MaxValue, ((Word)(-1)).Known);
        Assert.Null((a + GuestRegisters.Word("rax")).Known);
    }

    [Fact]
    public void TheRegistryNumbersInOrder()
    {
        var r = new Registry(GoldenTests.Plugins("memtrace,file=t", "insns", "blocks", "memtrace,value=on"));
        Assert.Equal(["insns.executed", "blocks.runs"], r.Arrays);
        Assert.Equal([(0, "memtrace.trace", "t", 20), (1, "memtrace2.trace", null, 36)], r.Streams.Select(s => (s.Id, s.Name, s.Path, s.Size)));
        Assert.Equal(["Pc:8", "Size:2", "Kind:2", "Address:8"], r.Streams[0].Fields.Select(f => $"{f.Name}:{f.Bytes}"));
    }

    [Fact]
    public void AtMostEightStreams() =>
        Assert.StartsWith("the plugins have 9 streams", Assert.Throws<PluginException>(() => new Registry(GoldenTests.Plugins([.. Enumerable.Repeat("memtrace", 9)]))).Message);

    [Fact]
    public void OnlyWhatIsWatchedIsExploded()
    {
        bool Watches(params string[] plugins) => new Instrumenter(GoldenTests.Plugins(plugins)).WatchesMemory(0x401000, new("main", 0x401000, 0));
        Assert.False(Watches("blocks", "insns", "opcodes"));
        Assert.True(Watches("blocks", "memtrace"));
        Assert.False(Watches("memtrace,exclude=main"));
        Assert.False(new Instrumenter(GoldenTests.Plugins("memtrace"), new([new("range", [new(0x401001, 0x402000)])], [])).WatchesMemory(0x401000, null));
        Assert.True(Watches("memtrace,exclude=main", "memtrace,only=m*"));
    }

    [Fact]
    public void OnlyWatchedSystemCallsAndEventsAreThere()
    {
        bool Watches(params string[] plugins) => new Instrumenter(GoldenTests.Plugins(plugins)).WatchesSystemCall(0x401000, new("main", 0x401000, 0));
        Assert.False(Watches("blocks", "memtrace"));
        Assert.True(Watches("blocks", "everything"));
        Assert.False(Watches("everything,only=other"));
        Assert.Empty(new Instrumenter(GoldenTests.Plugins("blocks", "insns")).Events());
    }

    [Fact]
    public void AnEventIsARegionThatReturns() => Assert.Equal("""
        function 0x1

        0x1:
          insn 0x1 0 "Signal"
          + %0 = get.i64 event0
          + %1 = get.i64 event1
          + %2 = get.i64 event2
          + %3 = get.i64 event3
          + %4 = get.i64 event3
          + %5 = get.i64 rsp
          + call @call, %0, %1, %2, %3, %4, %5
            ret 0

        """, Printer.Print(Assert.Single(new Instrumenter(GoldenTests.Plugins("everything")).Events())));

    [Fact]
    public void LabelsAreKnownAfterTheRun()
    {
        var instrumenter = GoldenTests.Run(Parser.Parse(Region), Region, "opcodes");
        Assert.Equal(["other mov", "other ret", "other syscall"], instrumenter.Registry.Labels[0].Values.Order());
    }
}
