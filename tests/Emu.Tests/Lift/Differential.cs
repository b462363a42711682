using Iced.Intel;
using Xunit;

namespace Emu.Tests.Lift;

/// <summary>Every encoding of every lifted instruction, and random blocks of them, on random inputs: interpreter and compiled code against the CPU.</summary>
[Collection("host memory")]
public sealed class Differential
{
    const ulong Seed = 1;

    [Fact]
    public void Instructions_do_what_the_cpu_does()
    {
        var t = new Fuzz(Seed);
        t.Instructions(inputs: 40);
        Assert.True(t.Failures.Count == 0, $"{t.Failures.Count} encodings differ (seed {Seed}):\n{string.Join('\n', t.Failures)}");
        Assert.True(t.Tally.Total >= 300_000, $"only {t.Tally.Total} comparisons");
    }

    [Fact]
    public void Blocks_do_what_the_cpu_does()
    {
        var t = new Fuzz(Seed);
        t.Blocks(count: 250, inputs: 60);
        Assert.True(t.Failures.Count == 0, $"{t.Failures.Count} blocks differ (seed {Seed}):\n{string.Join('\n', t.Failures)}");
        Assert.True(t.Tally.Total >= 40_000, $"only {t.Tally.Total} comparisons");
    }

    /// <summary>An encoding that has a row and of which no instruction can be made would silently not be tested.</summary>
    [Fact]
    public void Every_encoding_can_be_made()
    {
        var samples = new Samples(new Dice(Seed));
        bool Exists(Code c, bool memory) => Enumerable.Range(0, 20).Any(_ => samples.Make(c, memory) != null);
        var missing = Samples.Codes.Where(c => !Exists(c, false) && !Exists(c, true)).ToList();
        Assert.True(missing.Count == 0, $"no sample of: {string.Join(' ', missing)}");
    }
}

/// <summary>Stubs and operands are at fixed addresses, so these tests run one after another.</summary>
[CollectionDefinition("host memory", DisableParallelization = true)]
public sealed class HostMemoryTests;
