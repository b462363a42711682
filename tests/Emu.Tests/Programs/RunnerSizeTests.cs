using System.Globalization;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>What a runner has besides the guest's file and its code: core, libc, dispatch table, lines of instructions, names.</summary>
public class RunnerSizeTests
{
    const int Most = 1 << 20, CoreAndLibc = 100_000; // the latter a little less

    [Fact]
    public void ItIsAMebibyteAtMost()
    {
        const string guest = "/bin/busybox";
        string runner = Runners.Build(guest, Runners.NoPlugins);
        long code = Repository.Run("size", "-A", "-d", runner).Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(s => s is [".text", ..])
            .Sum(s => long.Parse(s[1], CultureInfo.InvariantCulture)) - CoreAndLibc;
        Assert.True(code > new FileInfo(guest).Length / 2, $"code: {code} bytes");
        Assert.InRange(new FileInfo(runner).Length - new FileInfo(guest).Length - code, 0, Most);
    }
}
