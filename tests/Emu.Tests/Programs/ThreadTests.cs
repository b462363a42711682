using Emu.Instrumentation;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Guests with threads (tests/guests/threads), native against translated, many times: both libcs make threads in their own way.</summary>
public class ThreadTests
{
    static readonly string Script = Path.Combine(Repository.Root, "tests/guests/build");
    static readonly string[] Configurations = ["musl-O2-static", "gcc-O2-static"];
    static readonly Lock Building = new();

    public static TheoryData<string, string> Guests
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var configuration in Configurations)
                foreach (var guest in Repository.Run(Script, "--threads").Split('\n', StringSplitOptions.RemoveEmptyEntries))
                    rows.Add(guest, configuration);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Guests))]
    public void As_natively(string guest, string configuration) => Compare(guest, configuration, Runners.NoPlugins, times: 2);

    /// <summary>Nothing is translated ahead of time, and plugins see all of it.</summary>
    [Theory]
    [MemberData(nameof(Guests))]
    public void Instrumented_on_the_fallback(string guest, string configuration) => Compare(guest, configuration, Runners.AllPlugins, times: 1, aot: "none");

    [Theory]
    [MemberData(nameof(Guests))]
    [Trait("Category", "Long")]
    public void As_natively_200_times(string guest, string configuration) => Compare(guest, configuration, Runners.NoPlugins, times: 200);

    [Theory]
    [MemberData(nameof(Guests))]
    [Trait("Category", "Long")]
    public void With_all_plugins(string guest, string configuration)
    {
        if (configuration.StartsWith("musl")) Compare(guest, configuration, Runners.AllPlugins, times: 20);
    }

    /// <summary>Every count and record of every thread, in 20 runs, ahead of time and not: 801,400 turns of the inner loop are what the source says.</summary>
    [Theory]
    [InlineData("all")]
    [InlineData("none")]
    public void Counts_are_exact(string aot)
    {
        var guest = Path.Combine(Repository.Work("threads"), "counted");
        Repository.Run("gcc", "-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-no-pie", "-o", guest, Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/threads.c"));
        var runner = Runners.Build(guest, ["insns", "blocks", "memtrace"], aot: aot);
        var totals = new HashSet<string>();
        for (var n = 0; n < 20; n++)
        {
            var data = guest + ".emudata";
            Repository.Run("/bin/bash", "-c", $"EMU_DATA={data} {runner}; [ $? = 7 ]");
            using var file = DataFile.Open(data);
            var cells = file.Cells().GroupBy(c => c.Array).Select(a => $"{a.Key}: {a.Sum(c => (long)c.Count)}");
            Assert.Contains(file.Cells().GroupBy(c => (c.Array, c.Key)), key => key.Sum(c => (long)c.Count) == 801_400);
            totals.Add(string.Join(", ", cells.Order()));
        }
        Assert.Single(totals);
    }

    static void Compare(string guest, string configuration, string[] plugins, int times, string aot = "all")
    {
        string path;
        lock (Building)
            path = Repository.Run(Script, "threads", configuration).Trim();
        for (var n = 0; n < times; n++)
            Verify.Same(new($"threads/{guest}.{configuration}.aot-{aot}", path, [], [], "", [], $"{guest}.{configuration}"), plugins, plugins.Length == 0 ? "" : "+plugins", aot: aot);
    }
}
