using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Real programs (tests/programs), native against translated, without plugins and with all of them.</summary>
[Collection("libc")]
public class ProgramTests
{
    static readonly Dictionary<string, Row> Rows =
        ((string[])["busybox", "system", "dynamic", "debian"]).SelectMany(Tables.Programs).ToDictionary(r => r.Id);

    /// <summary>Dynamic programs whose own code is small: what translating libc costs is paid once for all of them.</summary>
    static readonly string[] small = ["/usr/bin/mawk"];

    /// <summary>What `./test` runs with all plugins and nothing translated ahead of time: a program of each kind.</summary>
    static readonly string[] few = ["busybox/sort", "busybox/awk-printf", "busybox/gunzip", "system/bash-script", "system/bash-kill", "dynamic/mawk-words", "dynamic/mawk-math"];

    static bool IsDynamic(Row row) => row.Id.StartsWith("dynamic/") || row.Id.StartsWith("debian/");

    public static TheoryData<string> Few => new(few);
    public static TheoryData<string> All => new(Rows.Values.Where(r => !IsDynamic(r)).Select(r => r.Id));
    public static TheoryData<string> Small => new(Rows.Values.Where(r => IsDynamic(r) && small.Contains(r.Guest)).Select(r => r.Id));
    public static TheoryData<string> Rest => new(Rows.Values.Where(r => IsDynamic(r) && !small.Contains(r.Guest)).Select(r => r.Id));

    /// <summary>The tables themselves: no row may depend on time, place or chance.</summary>
    [Fact]
    public void Rows_are_deterministic()
    {
        foreach (var row in Rows.Values.Where(r => !IsDynamic(r) || small.Contains(r.Guest)))
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

    [Theory]
    [MemberData(nameof(Small))]
    public void Dynamic(string row) => Verify.Same(Rows[row], Runners.NoPlugins, "");

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Rest))]
    public void DynamicRest(string row) => Verify.Same(Rows[row], Runners.NoPlugins, "");

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Small))]
    public void DynamicInstrumented(string row) => Verify.Same(Rows[row], Runners.AllPlugins, "+plugins");

    /// <summary>Nothing is translated ahead of time.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(All))]
    [MemberData(nameof(Small))]
    [MemberData(nameof(Rest))]
    public void On_the_fallback(string row) => Verify.Same(Rows[row] with { Id = $"{row}.aot-none" }, Runners.NoPlugins, "", aot: "none");

    [Theory]
    [MemberData(nameof(Few))]
    public void Few_instrumented_on_the_fallback(string row) => Instrumented_on_the_fallback(row);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(All))]
    [MemberData(nameof(Small))]
    [MemberData(nameof(Rest))]
    public void Instrumented_on_the_fallback(string row) => Verify.Same(Rows[row] with { Id = $"{row}.aot-none" }, Runners.AllPlugins, "+plugins", aot: "none");

    /// <summary>Translating busybox and bash with all plugins takes minutes: part of `./test long`.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(All))]
    public void Instrumented(string row) => Verify.Same(Rows[row], Runners.AllPlugins, "+plugins");
}
