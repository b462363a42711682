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

    [Theory]
    [MemberData(nameof(Guests))]
    [Trait("Category", "Long")]
    public void As_natively_200_times(string guest, string configuration) => Compare(guest, configuration, Runners.NoPlugins, times: 200);

    static void Compare(string guest, string configuration, string[] plugins, int times)
    {
        string path;
        lock (Building)
            path = Repository.Run(Script, "threads", configuration).Trim();
        for (var n = 0; n < times; n++)
            Verify.Same(new($"threads/{guest}.{configuration}", path, [], [], "", [], $"{guest}.{configuration}"), plugins, plugins.Length == 0 ? "" : "+plugins");
    }
}
