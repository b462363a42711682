using Emu.Translator.Discovery;
using Iced.Intel;
using Xunit;

namespace Emu.Tests.Discovery;

public class FlagLivenessTests
{
    [Theory]
    [InlineData("sets_carry", "", "CF")]
    [InlineData("passes_carry", "CF", "CF")]
    [InlineData("reads_zero", "ZF", "")]
    [InlineData("ordinary", "", "")]
    [InlineData("tail_carry", "", "CF")]
    [InlineData("through_pointer", "", "SF")]
    public void FlagsThatCrossCallsAreFound(string function, string before, string after)
    {
        var program = Compiled.Discovered(Compiled.Program("flags.s", "gcc -nostdlib -static"));
        var flags = FlagLiveness.Of(program);
        var root = program.Image.Symbols[function]!.Address;
        Assert.Equal((Parse(before), Parse(after)), (flags.In(root), flags.After(root)));
    }

    [Fact]
    public void CompiledCodeKeepsNoFlagsAcrossCalls()
    {
        var program = Compiled.Discovered(Compiled.Program("switches.c", "musl-gcc -O2 -static"));
        var flags = FlagLiveness.Of(program);
        Assert.All(program.Roots.Where(r => (r.Reason & RootReason.Split) == 0), r => Assert.Equal((RflagsBits)0, flags.In(r.Address) | flags.After(r.Address)));
    }

    [Fact]
    public void SystemCallsReadWhatTheCallerSays()
    {
        var program = Compiled.Discovered(Compiled.Program("flags.s", "gcc -nostdlib -static"));
        Assert.Equal((RflagsBits)0, FlagLiveness.Of(program).In(program.Image.Entry));
        Assert.Equal(RflagsBits.SF, FlagLiveness.Of(program, RflagsBits.SF | RflagsBits.DF).After(program.Image.Symbols["through_pointer"]!.Address));
    }

    static RflagsBits Parse(string flags) => flags.Length == 0 ? 0 : Enum.Parse<RflagsBits>(flags);
}
