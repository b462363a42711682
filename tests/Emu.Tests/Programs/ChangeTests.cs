using System.Collections.Concurrent;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Code that is changed while it runs (patches.c), or in other ways than by a store (changes.c); and host frames without end (frames.c).</summary>
public class ChangeTests
{
    static readonly ConcurrentDictionary<string, Lazy<string>> guests = [];

    internal static string Guest(string name) => guests.GetOrAdd(name, _ => new(() =>
    {
        var path = Path.Combine(Repository.Work("changes"), name);
        Repository.Run("musl-gcc", "-O2", "-static", "-w", "-fno-optimize-sibling-calls", "-o", path, Path.Combine(Repository.Root, $"tests/Emu.Tests/Programs/{name}.c"));
        return path;
    })).Value;

    static void Same(string guest, string aot, string tier, params string[] arguments)
    {
        string native = Guest(guest), runner = Runners.Build(native, Runners.NoPlugins, aot: aot);
        Assert.Equal((0, Repository.Run(native, arguments), ""), Repository.RunAny("/usr/bin/env", [$"EMU_TIER={tier}", runner, .. arguments]));
    }

    public static TheoryData<string, string, string> Ways
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var what in (string[])["aliases", "memory", "files", "number", "once", "moved", "uring", "spans", "race"])
                foreach (var (aot, tier) in ((string, string)[])[("all", ""), ("none", "")]) rows.Add(what, aot, tier);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void In_other_ways(string what, string aot, string tier) => Same("changes", aot, tier, what);

    [Theory]
    [InlineData("anonymous", "none", "")]
    [InlineData("anonymous", "none", "1")]
    [InlineData("shared", "none", "1")]
    [InlineData("text", "all", "")]
    public void Ahead(string where, string aot, string tier) => Same("patches", aot, tier, "1", "40", "3000", where);

    /// <summary>LLVM takes milliseconds for each region.</summary>
    [Theory]
    [InlineData("anonymous")]
    [InlineData("shared")]
    public void Ahead_with_the_second_tier_alone(string where) => Same("patches", "none", "2", "1", "6", "40", where);

    [Theory]
    [InlineData("leaps", "all", "")]
    [InlineData("leaps", "none", "")]
    [InlineData("faults", "all", "")]
    [InlineData("faults", "none", "")]
    [InlineData("deep", "all", "")]
    [InlineData("deep", "none", "")]
    [InlineData("deep", "none", "2")]
    public void Host_frames(string what, string aot, string tier) => Same("frames", aot, tier, what);
}
