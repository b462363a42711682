using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Real static programs (tests/programs), native against translated, without plugins and with all of them.</summary>
public class ProgramTests
{
    static readonly Dictionary<string, Row> Rows =
        ((string[])["busybox", "system"]).SelectMany(Tables.Programs).ToDictionary(r => r.Id);

    public static TheoryData<string> All => new(Rows.Keys);

    [Theory]
    [MemberData(nameof(All))]
    public void Plain(string row) => Verify.Same(Rows[row], Runners.NoPlugins, "");

    [Theory]
    [MemberData(nameof(All))]
    public void Instrumented(string row) => Verify.Same(Rows[row], Runners.AllPlugins, "+plugins");
}
