using Xunit;

namespace Emu.Tests.Core;

/// <summary>Code that a run met without a region is translated ahead of time in the next build.</summary>
public sealed class LearningTests
{
    [Fact]
    public void TheNextBuildKnows()
    {
        const string missing = "EMU_FALLBACK=/nowhere";
        Assert.Equal(42, Actor.Run("./plain untranslated 1").Code);
        Assert.Matches(@"^0x[0-9a-f]+ undiscovered inside\+0x1\n", Actor.Run("emu report --misses native/guest").Out);
        Assert.Equal(42, Actor.Run($"emu build native/guest -o learnt && {missing} ./learnt untranslated 1").Code);
        Assert.Equal(70, Actor.Run($"emu build --no-profile native/guest -o ignorant && {missing} ./ignorant untranslated 1").Code);
    }

    [Fact]
    public void StatisticsAreOneLine()
    {
        var said = Actor.Run("emu build --aot none native/guest -o nothing && EMU_STATS=1 ./nothing untranslated 1");
        Assert.Equal(42, said.Code);
        Assert.Matches(@"^emu: statistics: [1-9][0-9]* regions translated at run time, [1-9][0-9]* by the first tier, [0-9]+ promoted, [1-9][0-9]* round trips, [1-9][0-9]* us waiting for them, 0 regions withdrawn\n$", said.Error);
        Assert.Equal("emu: statistics: nothing was translated at run time\n", Actor.Run("EMU_STATS=1 ./plain").Error);
    }
}
