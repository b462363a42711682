using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Real static programs (tests/programs), native against translated, without plugins and with all of them.</summary>
public class ProgramTests
{
    static readonly Dictionary<string, Row> Rows =
        ((string[])["busybox", "system"]).SelectMany(Tables.Programs).ToDictionary(r => r.Id);

    public static TheoryData<string> All => new(Rows.Keys);

    /// <summary>The tables themselves: no row may depend on time, place or chance.</summary>
    [Fact]
    public void Rows_are_deterministic()
    {
        foreach (var row in Rows.Values)
        {
            var folder = Path.Combine(Repository.Work("runs"), "twice");
            var first = Outcome.Of(row, row.Guest, Verify.Inputs, folder, Verify.Limit);
            var difference = Outcome.Of(row, row.Guest, Verify.Inputs, folder, Verify.Limit).DifferenceTo(first);
            Assert.True(difference is null, $"{row.Id}: {difference}");
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Plain(string row) => Verify.Same(Rows[row], Runners.NoPlugins, "");

    /// <summary>Translating busybox and bash with all plugins takes minutes: part of `./test long`.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(All))]
    public void Instrumented(string row) => Verify.Same(Rows[row], Runners.AllPlugins, "+plugins");
}
