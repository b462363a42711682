using Xunit;

namespace Emu.Tests.Programs;

/// <summary>
/// Our own guests (tests/guests), native against translated. Every test run takes each guest in a diagonal slice of its 18 configurations,
/// such that all guests and all configurations are covered; EMU_MATRIX=all (tests/matrix) takes all of them.
/// </summary>
public class GuestTests
{
    const int PerGuest = 3;
    static readonly string Script = Path.Combine(Repository.Root, "tests/guests/build");
    static readonly ILookup<string, Row> Cases = Tables.Cases().ToLookup(r => r.Guest);
    static readonly Lock Building = new();

    public static TheoryData<string, string> Slice
    {
        get
        {
            string[] configurations = Listed("--configs"), guests = Listed("--guests");
            var step = configurations.Length / PerGuest;
            var everything = Environment.GetEnvironmentVariable("EMU_MATRIX") == "all";
            var slice = new TheoryData<string, string>();
            for (var g = 0; g < guests.Length; g++)
                for (var c = 0; c < configurations.Length; c++)
                    if (everything || c % step == (g + c / step) % step)
                        slice.Add(guests[g], configurations[c]);
            return slice;
        }
    }

    static string[] Listed(string what) => Repository.Run(Script, what).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    [Theory]
    [MemberData(nameof(Slice))]
    public void Plain(string guest, string configuration) => Compare(guest, configuration, Runners.NoPlugins, "");

    [Theory]
    [MemberData(nameof(Slice))]
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
