using System.Numerics;
using Emu.Ir;
using Xunit;

namespace Emu.Tests.Lift;

/// <summary>Gathers and masked moves lane by lane: which are accessed (what is left where one's address is bad: tests/lift/masked.txt).</summary>
[Collection("host memory")]
public sealed class MaskedLanes
{
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

    static BigInteger Number(string hex) => BigInteger.Parse("0" + hex, System.Globalization.NumberStyles.HexNumber, null);
}
