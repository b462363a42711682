using Xunit;

namespace Emu.Tests.Programs;

/// <summary>
/// Our own guests (tests/guests), native against translated. Every test run takes a diagonal slice of the 18 configurations: each guest
/// with musl, and some with each compiler and glibc, where a build costs ten times as much. EMU_MATRIX=all (tests/matrix) takes all.
/// </summary>
public class GuestTests
{
    const int PerGuest = 3;
    static readonly string Script = Path.Combine(Repository.Root, "tests/guests/build");
    static readonly ILookup<string, Row> Cases = Tables.Cases().ToLookup(r => r.Guest);
    static readonly Lock Building = new();

    /// <summary>One of so many guests is built with glibc too.</summary>
    const int PlainGlibc = 5, InstrumentedGlibc = 100;

    /// <summary>A guest of glibc's functions that are there once for every kind of CPU, and chosen by what cpuid says (IFUNC).</summary>
    const string OfGlibc = "strings";

    public static TheoryData<string, string> PlainSlice => Slice(PlainGlibc);
    public static TheoryData<string, string> InstrumentedSlice => Slice(InstrumentedGlibc);

    static TheoryData<string, string> Slice(int glibc)
    {
        string[] configurations = Listed("--configs"), guests = Listed("--guests");
        var step = configurations.Length / PerGuest;
        var everything = Environment.GetEnvironmentVariable("EMU_MATRIX") == "all";
        var slice = new TheoryData<string, string>();
        for (var g = 0; g < guests.Length; g++)
            for (var c = 0; c < configurations.Length; c++)
                if (everything || c % step == (g + c / step) % step && (configurations[c].StartsWith("musl", StringComparison.Ordinal) || g % glibc == glibc - 1 || glibc == PlainGlibc && guests[g] == OfGlibc))
                    slice.Add(guests[g], configurations[c]);
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
            path = Repository.Run(Script, guest, configuration).Trim();
        var failures = new List<string>();
        foreach (var row in Cases[guest])
            try
            {
                Verify.Same(row with { Id = $"{row.Id}.{configuration}", Guest = path }, plugins, variant);
            }
            catch (Xunit.Sdk.XunitException e)
            {
                failures.Add(e.Message);
            }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }
}
