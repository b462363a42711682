using System.Numerics;
using Emu.Ir;
using Xunit;

namespace Emu.Tests.Lift;

/// <summary>Gathers and masked moves lane by lane: which are accessed, and what is left where one's address is bad.</summary>
[Collection("host memory")]
public sealed class MaskedLanes
{
    const string Far = "00100000", Near = "00000000";

    /// <summary>Offsets from rdi, in order; an s before a store's.</summary>
    [Theory]
    [InlineData("vpgatherdd ymm0, [rdi+ymm1*4], ymm2", "0000000300000002000000010000000900000008000000070000000600000005", "80000000000000008000000080000000000000008000000000000000ffffffff", "20 28 36 4 12")]
    [InlineData("vgatherqpd ymm0, [rdi+ymm1*8+8], ymm2", "0000000000000001000000000000000200000000000000030000000000000004", "8000000000000000000000000000000080000000000000007fffffffffffffff", "32 16")]
    [InlineData("vpgatherqd xmm0, [rdi+xmm1], xmm2", "0000000000000040fffffffffffffff0", "80000000800000008000000080000000", "-16 64")]
    [InlineData("vpmaskmovd ymm0, ymm2, [rdi]", "", "80000000000000008000000080000000000000008000000000000000ffffffff", "0 8 16 20 28")]
    [InlineData("vmaskmovpd [rdi+8], ymm2, ymm1", "", "8000000000000000000000000000000080000000000000007fffffffffffffff", "s16 s32")]
    [InlineData("vmaskmovdqu xmm1, xmm2", "", "80000000000000000000000000008001", "s1 s15")]
    public void Only_chosen_lanes_are_accessed(string assembly, string index, string mask, string offsets)
    {
        var m = new Machine();
        m.State["rdi"] = Machine.Middle;
        m.State.Set(new("ymm1"), Number(index), 32);
        m.State.Set(new("ymm2"), Number(mask), 32);
        var log = new Log(m);
        new Interpreter(m.State, log, new NativeExecutor(m.State, log)).Run(Lift(assembly));
        Assert.Equal(offsets, string.Join(' ', log.Offsets));
    }

    sealed class Log(Machine m) : IMemory
    {
        public List<string> Offsets { get; } = [];

        public void Load(ulong address, Span<byte> to)
        {
            Offsets.Add($"{(long)(address - Machine.Middle)}");
            m.Load(address, to);
        }

        public void Store(ulong address, ReadOnlySpan<byte> from)
        {
            Offsets.Add($"s{(long)(address - Machine.Middle)}");
            m.Store(address, from);
        }
    }

    static Function Lift(string assembly) => Machine.Lift(HostMemory.Assemble($"org {HostMemory.Slot}\n{assembly}"), explodeRep: false);

    /// <summary>What must be left was read from a signal's context on a CPU (AMD EPYC, Linux).</summary>
    [Fact]
    public void A_gather_has_done_the_lanes_before_it()
    {
        var m = Faulted("vpgatherdd ymm0, [rdi+ymm1*4], ymm2",
            ("ymm0", "00000007000000060000000500000004000000030000000200000001a0a0a0a0"),
            ("ymm1", $"{Near}{Near}{Near}{Far}{Near}{Near}{Near}{Near}"),
            ("ymm2", "f0000000123456788000000680000005800000038000000100000001" + "80000001"));
        Assert.Equal(Number("0000000700000006000000050000000411111111111111110000000111111111"), m.State.Get(new("ymm0"), 32));
        Assert.Equal(Number("f0000000123456788000000680000005" + new string('0', 32)), m.State.Get(new("ymm2"), 32));
    }

    [Fact]
    public void A_masked_load_has_done_nothing()
    {
        const string before = "0000000700000006000000050000000400000003000000020000000100000000";
        var m = Faulted("vpmaskmovd ymm0, ymm2, [rdi+0x1ff8]", ("ymm0", before), ("ymm2", new string('f', 64)));
        Assert.Equal(Number(before), m.State.Get(new("ymm0"), 32));
    }

    /// <summary>The state after the fault; memory at rdi is 0x11111111.</summary>
    static Machine Faulted(string assembly, params (string Register, string Value)[] before)
    {
        var m = new Machine();
        m.Memory.AsSpan().Fill(0x11);
        m.State["rdi"] = Machine.Middle;
        foreach (var (register, value) in before) m.State.Set(new(register), Number(value), 32);
        var function = Lift(assembly);
        Assert.Equal(11, Assert.Throws<GuestFault>(() => m.Interpret(function)).Signal);
        return m;
    }

    static BigInteger Number(string hex) => BigInteger.Parse("0" + hex, System.Globalization.NumberStyles.HexNumber, null);
}
