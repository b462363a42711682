using Emu.Instrumentation;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>What may be said after <c>-p</c>, and the one line that answers a mistake.</summary>
public class OptionTests
{
    [Fact]
    public void EveryTypeIsBound()
    {
        var p = new Options();
        Plugin.Create(p, PluginOptions.Parse("options,text=a=b,flag,int=-3,ulong=0xffffffffffffffff,colour=green,only=main,exclude=0x1-0x2"));
        Assert.Equal(("a=b", true, -3, ulong.MaxValue, Options.Colour.Green), (p.Text, p.Flag, p.Int, p.ULong, p.Colours));
    }

    [Fact]
    public void ParsedOptionsPrintAsTheyWere() => Assert.Equal("./x/y.dll,a=1,a=2,b=on", PluginOptions.Parse("./x/y.dll,a=1,a=2,b").ToString());

    [Theory]
    [InlineData("options,size=3", "plugin options has no option 'size'; it has: text, flag, int, ulong, colour, only, exclude")]
    [InlineData("options,int=many", "plugin options: int=many: a number expected")]
    [InlineData("options,int=99999999999", "plugin options: int=99999999999: a number expected")]
    [InlineData("options,flag=perhaps", "plugin options: flag=perhaps: on or off expected")]
    [InlineData("options,colour=blue", "plugin options: colour=blue: red or green expected")]
    [InlineData("options,colour=7", "plugin options: colour=7: red or green expected")]
    [InlineData("options,only=0x1000", "plugin options: only=0x1000: an address range is written 0xFROM-0xTO")]
    [InlineData("options,exclude=main|0x2000-0x1000", "plugin options: exclude=0x2000-0x1000: an address range is written 0xFROM-0xTO")]
    [InlineData(",int=1", "-p ,int=1: a plugin's name comes first")]
    public void AMistakeIsOneLine(string text, string message) =>
        Assert.Equal(message, Assert.Throws<PluginException>(() => Plugin.Create(new Options(), PluginOptions.Parse(text))).Message);

    [Theory]
    [InlineData("x", 0x500ul, "main", true)]
    [InlineData("x,only=main", 0x500ul, "main", true)]
    [InlineData("x,only=main", 0x500ul, "mainly", false)]
    [InlineData("x,only=main", 0x500ul, null, false)]
    [InlineData("x,only=m*n", 0x500ul, "Main", false)]
    [InlineData("x,only=m?in|0x500-0x501", 0x500ul, "other", true)]
    [InlineData("x,only=0x500-0x501", 0x501ul, "other", false)]
    [InlineData("x,only=a,only=b", 0x500ul, "b", true)]
    [InlineData("x,exclude=b", 0x500ul, "b", false)]
    [InlineData("x,only=b,exclude=0x400-0x600", 0x500ul, "b", false)]
    [InlineData("x,exclude=b", 0x500ul, null, true)]
    public void OnlyAndExclude(string options, ulong address, string? symbol, bool covered) =>
        Assert.Equal(covered, Filter.From(PluginOptions.Parse(options)).Covers(address, symbol is null ? null : new(symbol, 0x400, 0x100)));
}
