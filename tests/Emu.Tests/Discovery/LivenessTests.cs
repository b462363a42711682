using Emu.Translator.Discovery;
using Emu.Translator.Passes;
using Emu.Translator.X86;
using Xunit;

namespace Emu.Tests.Discovery;

public class LivenessTests
{
    [Theory]
    [InlineData("sets_carry", "", "C")]
    [InlineData("passes_carry", "C", "C")]
    [InlineData("reads_zero", "Z", "")]
    [InlineData("ordinary", "", "")]
    [InlineData("tail_carry", "", "C")]
    [InlineData("through_pointer", "", "S")]
    public void FlagsThatCrossCallsAreFound(string function, string before, string after)
    {
        var program = Compiled.Discovered(Compiled.Program("flags.s", "gcc -nostdlib -static"));
        var live = Solve(program);
        var root = program.Image.Symbols[function]!.Address;
        Assert.Equal((Parse(before), Parse(after)), (live.In(root) & Transient.Flags, live.After(root) & Transient.Flags));
    }

    [Fact]
    public void CompiledCodeKeepsNoFlagsAcrossCalls()
    {
        var program = Compiled.Discovered(Compiled.Program("switches.c", "musl-gcc -O2 -static"));
        var live = Solve(program);
        Assert.All(program.Roots.Where(r => (r.Reason & RootReason.Split) == 0), r => Assert.Equal(Transient.None, (live.In(r.Address) | live.After(r.Address)) & Transient.Flags));
    }

    /// <summary>What registers.s says of each function: registers that cross because somebody reads them, and only those.</summary>
    [Theory]
    [InlineData("clobbers", "r9 xmm9", "")]              // its callers keep something there; it overwrites both
    [InlineData("keeps", "r9 xmm9", "r9 xmm9")]          // the same callers, and it does not touch them
    [InlineData("maybe", "r9", "r9")]                    // overwrites r9 on one way only
    [InlineData("variadic_user", "", "")]                // printf-like callees store r9 and xmm2: nobody put anything there
    [InlineData("other_caller", "", "")]                 // calls `keeps`, and wants nothing back
    public void RegistersCrossWhereSomebodyReadsThem(string function, string wantedAfter, string wantedBefore)
    {
        var program = Compiled.Discovered(Compiled.Program("registers.s", "gcc -nostdlib -static"));
        var live = Solve(program);
        var root = program.Image.Symbols[function]!.Address;
        var mask = Transients.Of("r9") | Transients.Of("ymm9", 0) | Transients.Of("ymm2", 0);
        Assert.Equal((Registers(wantedAfter), Registers(wantedBefore)), (live.After(root) & mask, live.In(root) & mask));
    }

    static Liveness Solve(Emu.Translator.Discovery.Program program) =>
        Liveness.Of([.. program.Regions.Select(r => Lifter.Lift(r, new(_ => false, WithText: false)))], program);

    static Transient Parse(string flags) => flags.Length == 0 ? 0 : Enum.Parse<Transient>(flags);

    static Transient Registers(string names) => names.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Aggregate(Transient.None, (all, n) => all | (n[0] == 'x' ? Transients.Of("ymm" + n[3..], 0) : Transients.Of(n)));
}
