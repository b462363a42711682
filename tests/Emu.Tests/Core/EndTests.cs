using Xunit;

namespace Emu.Tests.Core;

/// <summary>How a guest ends: the native wait status, after one line where there is something to say.</summary>
public sealed class EndTests
{
    [Theory]
    [InlineData("die 6", 134, "")]
    [InlineData("die 11", 139, "")]
    [InlineData("die 15", 143, "")]
    [InlineData("fault", 139, @"guest killed by SIGSEGV at 0x[0-9a-f]+ \(fault_here(\+0x0)?\), address 0x10")]
    [InlineData("divide", 136, @"guest killed by SIGFPE at 0x[0-9a-f]+ \(divide_here(\+0x0)?\)")]
    [InlineData("trap", 132, @"guest killed by SIGILL at 0x[0-9a-f]+ \(trap_here(\+0x0)?\): ud2")]
    [InlineData("null 0", 139, "guest killed by SIGSEGV at 0x0: jump to memory that is not mapped")]
    [InlineData("null 4096", 139, "guest killed by SIGSEGV at 0x1000: jump to memory that is not mapped")]
    [InlineData("deep", 139, @"guest killed by SIGSEGV at 0x[0-9a-f]+ \(deep_here(\+0x0)?\)(, address|: its calls need more than)")]
    [InlineData("untranslated 1", 42, "")]
    public void SaysWhyAndDies(string act, int code, string line)
    {
        foreach (string runner in (string[])["./plain", "EMU_DATA=/dev/null ./plugin"])
        {
            var said = Actor.Run($"{runner} {act} & wait $!");
            Assert.Equal((code, ""), (said.Code, said.Out));
            string[] lines = [.. said.Error.Split('\n').Where(l => l.StartsWith("emu: ", StringComparison.Ordinal))];
            if (line == "") Assert.Empty(lines);
            else Assert.Matches($"^emu: {line}", Assert.Single(lines));
        }
    }
}
