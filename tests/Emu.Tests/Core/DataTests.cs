using System.Text.Json;
using Xunit;

namespace Emu.Tests.Core;

/// <summary>The data file is there and complete, however the run ended; and what happens where it cannot be written.</summary>
public sealed class DataTests
{
    /// <summary>The act loads and stores 100,000 times, in one loop of at least five instructions.</summary>
    [Theory]
    [InlineData("work 0", 42, 1, 42)]
    [InlineData("work 9", 137, 0, 0)]
    [InlineData("work 6", 134, 0, 0)]
    [InlineData("work 15", 143, 0, 0)]
    [InlineData("work 11", 139, 2, 11)]
    [InlineData("fault", 139, 2, 11)]
    [InlineData("untranslated 1", 42, 1, 42)]
    public void SurvivesTheEnd(string act, int code, ulong state, ulong status)
    {
        string file = $"data.{act.Replace(' ', '.')}";
        Assert.Equal(code, Actor.Run($"EMU_DATA={file} ./plugin {act} 2>/dev/null & wait $!").Code);
        Assert.Equal((state, status), Actor.Ending(file));
        if (!act.StartsWith("work", StringComparison.Ordinal)) return;
        var said = Actor.Run($"emu report --json {file}");
        Assert.InRange(JsonDocument.Parse(said.Out).RootElement.GetProperty("insns").GetProperty("total").GetInt64(), 500_000, 1_500_000);
        Assert.InRange(int.Parse(Actor.Run($"emu report {file} | grep -c 'sum\\|0x'").Out), 200_000, 300_000);
    }

    /// <summary>Children that run the same loop at the same time lose nothing: each of them adds the same.</summary>
    [Fact]
    public void ForkedChildrenCountExactly()
    {
        long[] totals = [.. new[] { 1, 2, 9 }.Select(n =>
        {
            Assert.Equal(42, Actor.Run($"EMU_DATA=family.{n} ./plugin family {n}").Code);
            return JsonDocument.Parse(Actor.Run($"emu report --json family.{n}").Out).RootElement.GetProperty("insns").GetProperty("total").GetInt64();
        })];
        Assert.InRange(totals[1] - totals[0], 10_000_000, 11_000_000);
        Assert.Equal(7 * (totals[1] - totals[0]), totals[2] - totals[1]);
    }

    [Theory]
    [InlineData("EMU_DATA=/nowhere/x ./plugin", 1, "emu: cannot write the data file /nowhere/x: No such file or directory\n")]
    [InlineData("EMU_DATA=/dev/full ./plugin work 0", 42, "emu: stream 0 stops here: its file cannot grow: No space left on device\n")]
    [InlineData("ulimit -f 200; EMU_DATA=limited ./plugin work 0", 42, "emu: stream 0 stops here: its file cannot grow: File too large\n")]
    [InlineData("EMU_DATA=/dev/null ./plugin work 0", 42, "")]
    public void WhereItCannotBeWritten(string command, int code, string error)
    {
        var said = Actor.Run(command);
        Assert.Equal((code, "", error), (said.Code, said.Out, said.Error));
    }

    [Fact]
    public void APipeGetsBareRecords()
    {
        long bytes = long.Parse(Actor.Run("EMU_DATA=/dev/stdout ./plugin work 0 | wc -c").Out);
        Assert.InRange(bytes, 200_000 * 20, 300_000 * 20);
        Assert.Equal(0, bytes % 20);
    }

    /// <summary>Without a name, no run takes the place of another one's data.</summary>
    [Fact]
    public void DataThatIsThereStays()
    {
        var said = Actor.Run("rm -rf names; mkdir names; cd names; for n in 1 2 3; do ../plugin; done; ls; for f in *; do emu report --json $f | grep -c total; done");
        Assert.Equal("guest.2.emudata\nguest.3.emudata\nguest.emudata\n1\n1\n1\n", said.Out);
        Assert.Equal("emu: the data file is guest.2.emudata: there are others\nemu: the data file is guest.3.emudata: there are others\n", said.Error);
    }

    [Fact]
    public void NamesHaveParts()
    {
        var said = Actor.Run("""
            rm -rf parts; mkdir parts; cd parts
            EMU_DATA='%b-%h-%p-100%%' ../plugin & wait $!; ls; echo guest-$(uname -n)-$!-100%; rm *
            EMU_DATA=%t ../plugin; [[ $(ls) -le $(date +%s) && $(ls) -gt $(date +%s)-60 ]] && echo time; rm *
            for n in 1 2 3; do EMU_DATA=x.%n ../plugin; done; echo *; rm *
            EMU_DATA=x.%q ../plugin
            """);
        string[] lines = said.Out.Split('\n');
        Assert.Equal(lines[1], lines[0]);
        Assert.Equal("time\nx.1 x.2 x.3\n", string.Join('\n', lines[2..]));
        Assert.Equal("emu: EMU_DATA=x.%q: there are %p (process), %b (guest), %t (time), %h (host), %n (a free number) and %%\n", said.Error);
    }

    [Fact]
    public void TheFileOfALiveProcessIsLeftAlone() =>
        Assert.Equal("2\n", Actor.Run("rm -rf live; mkdir live; EMU_DATA=live/x ./plugin work 19 & p=$!; until grep -q '^State:.T' /proc/$p/status; do sleep 0.05; done; EMU_DATA=live/x ./plugin; ls live/x* | wc -l; kill -CONT $p; wait").Out);
}
