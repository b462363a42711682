using System.Numerics;
using Emu.Ir;
using Xunit;

namespace Emu.Tests.Lift;

/// <summary>Gathers and masked loads in which a lane's address is bad. What they must leave was read from a signal's context on a CPU (AMD EPYC, Linux).</summary>
[Collection("host memory")]
public sealed class FaultingLanes
{
    const string Far = "00100000", Near = "00000000";

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
        var function = Machine.Lift(HostMemory.Assemble($"org {HostMemory.Slot}\n{assembly}"), explodeRep: false);
        Assert.Equal(11, Assert.Throws<GuestFault>(() => m.Interpret(function)).Signal);
        return m;
    }

    static BigInteger Number(string hex) => BigInteger.Parse("0" + hex, System.Globalization.NumberStyles.HexNumber, null);
}
