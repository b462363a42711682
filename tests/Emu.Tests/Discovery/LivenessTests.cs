using Emu.Translator.Discovery;
using Iced.Intel;
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
        var flags = Liveness.Of(program);
        var root = program.Image.Symbols[function]!.Address;
        Assert.Equal((Parse(before), Parse(after)), (flags.In(root) & Transient.Flags, flags.After(root) & Transient.Flags));
    }

    [Fact]
    public void CompiledCodeKeepsNoFlagsAcrossCalls()
    {
        var program = Compiled.Discovered(Compiled.Program("switches.c", "musl-gcc -O2 -static"));
        var flags = Liveness.Of(program);
        Assert.All(program.Roots.Where(r => (r.Reason & RootReason.Split) == 0), r => Assert.Equal(Transient.None, (flags.In(r.Address) | flags.After(r.Address)) & Transient.Flags));
    }

    [Fact]
    public void SystemCallsReadWhatTheCallerSays()
    {
        var program = Compiled.Discovered(Compiled.Program("flags.s", "gcc -nostdlib -static"));
        Assert.Equal(Transient.None, Liveness.Of(program).In(program.Image.Entry) & Transient.Flags);
        Assert.Equal(Transient.S, Liveness.Of(program, Transient.S | Transient.R8).After(program.Image.Symbols["through_pointer"]!.Address) & Transient.Flags);
    }

    static Transient Parse(string flags) => flags.Length == 0 ? 0 : Enum.Parse<Transient>(flags);
}
