using Xunit;

namespace Emu.Tests.Programs;

/// <summary>
/// Our own guests (tests/guests), native against translated. Those of a configuration are one executable, translated once.
/// Every test run takes some of the 18 configurations, EMU_MATRIX=all (tests/matrix) takes all.
/// </summary>
public class GuestTests
{
    static readonly string Script = Path.Combine(Repository.Root, "tests/guests/build");
    static readonly ILookup<string, Row> Cases = Tables.Cases().ToLookup(r => r.Guest);
    static readonly Lock Building = new();

    /// <summary>Each compiler, level and kind of executable, and both libcs.</summary>
    public static TheoryData<string, string> PlainSlice => Slice("musl-O3-pie", "gcc-O2-static", "clang-O0-pie");

    /// <summary>musl, for a glibc with all plugins takes minutes.</summary>
    public static TheoryData<string, string> InstrumentedSlice => Slice("musl-O2-static");

    static TheoryData<string, string> Slice(params string[] configurations)
    {
        if (Environment.GetEnvironmentVariable("EMU_MATRIX") == "all")
            configurations = Listed("--configs");
        var slice = new TheoryData<string, string>();
        foreach (var configuration in configurations)
            foreach (var guest in Listed("--guests"))
                slice.Add(guest, configuration);
        return slice;
    }

    static string[] Listed(string what) => Repository.Run(Script, what).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    [Theory]
    [MemberData(nameof(PlainSlice))]
    public void Plain(string guest, string configuration) => Compare(guest, configuration, Runners.NoPlugins, "");

    [Theory]
    [MemberData(nameof(InstrumentedSlice))]
    public void Instrumented(string guest, string configuration) => Compare(guest, configuration, Runners.AllPlugins, "+plugins");

    static void Compare(string guest, string configuration, string[] plugins, string variant)
    {
        string path;
        lock (Building)
            path = Repository.Run(Script, "all", configuration).Trim();
        var failures = new List<string>();
        foreach (var row in Cases[guest])
            try
            {
                Verify.Same(row with { Id = $"{row.Id}.{configuration}", Guest = path, Name = $"{guest}.{configuration}" }, plugins, variant);
            }
            catch (Xunit.Sdk.XunitException e)
            {
                failures.Add(e.Message);
            }
        Assert.True(Cases[guest].Any() && failures.Count == 0, string.Join('\n', failures));
    }
}
