using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Programs of which nothing, or not all, is translated ahead of time: the fallback translator must do the rest alike.</summary>
public class FallbackTests
{
    static readonly string Script = Path.Combine(Repository.Root, "tests/guests/build");
    static readonly ILookup<string, Row> Cases = Tables.Cases().ToLookup(r => r.Guest);
    static readonly Lock Building = new();
    const string Configuration = "musl-O2-static";

    /// <summary>What shows most for its time; all of them are part of `./test long`.</summary>
    static readonly string[] few = ["calc", "jumps", "asmflags", "asmodd", "callbacks"];

    public static TheoryData<string, string> Slice => Of(few);
    public static TheoryData<string, string> Rest => Of(Repository.Run(Script, "--guests").Split('\n', StringSplitOptions.RemoveEmptyEntries).Except(few));

    static TheoryData<string, string> Of(IEnumerable<string> guests)
    {
        var rows = new TheoryData<string, string>();
        foreach (var guest in guests)
            foreach (var aot in (string[])["none", "90%"]) rows.Add(guest, aot);
        return rows;
    }

    [Theory]
    [MemberData(nameof(Slice))]
    public void Some(string guest, string aot) => Compare(guest, aot, []);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Rest))]
    public void All(string guest, string aot) => Compare(guest, aot, []);

    [Theory]
    [MemberData(nameof(Slice))]
    public void SomeInstrumented(string guest, string aot) => Compare(guest, aot, Runners.AllPlugins);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Rest))]
    public void Instrumented(string guest, string aot) => Compare(guest, aot, Runners.AllPlugins);

    /// <summary>Each tier alone, and regions of both that call each other while code is hot.</summary>
    [Theory]
    [InlineData("jit", "cold", "")]
    [InlineData("jit", "cold", "2")]
    [InlineData("jit", "hot", "")]
    [InlineData("jit", "hot", "1")]
    [InlineData("jit", "hot", "2")]
    [InlineData("calc", "2*(3+4)", "2")]
    public void Tiers(string guest, string argument, string tier)
    {
        string native;
        lock (Building)
            native = Repository.Run(Script, guest, Configuration).Trim();
        var runner = Runners.Build(native, Runners.NoPlugins, aot: "none");
        var (status, output, errors) = Repository.RunAny("/usr/bin/env", $"EMU_TIER={tier}", "EMU_STATS=1", runner, argument);
        Assert.Equal((0, Repository.Run(native, argument)), (status, output));
        Assert.Matches(tier == "2" ? " 0 by the first tier, 0 promoted," : argument == "hot" && tier == "" ? " [1-9][0-9]* by the first tier, [1-9][0-9]* promoted," : " [1-9][0-9]* by the first tier", errors);
    }

    /// <summary>Runners that differ in what is translated ahead of time, and in plugins, share a cache, and each is given what is for it.</summary>
    [Fact]
    public void Runners_share_a_cache()
    {
        string native;
        lock (Building)
            native = Repository.Run(Script, "calc", Configuration).Trim();
        var (cache, expected) = (Directory.CreateTempSubdirectory("emu-cache-"), Repository.Run(native, "2*(3+4)"));
        foreach (string tier in (string[])["", "2"])
            foreach (string aot in (string[])["none", "50%"])
                foreach (string[] plugins in (string[][])[[], ["-p", "blocks", "-r", "/dev/null"]])
                    Assert.Equal((0, expected, ""), Repository.RunAny("/usr/bin/env", [$"EMU_CACHE={cache.FullName}", $"EMU_TIER={tier}",
                        Path.Combine(Repository.Root, "emu"), "run", "--no-profile", "--aot", aot, .. plugins, "--", native, "2*(3+4)"]));
        cache.Delete(recursive: true);
    }

    /// <summary>A pass of the user's own cannot be loaded into a native program: such a runner starts the same service on .NET.</summary>
    [Theory]
    [InlineData("probe", "emu-fallback")]
    [InlineData("instrumentation-passes/Emu.Plugins/probe", "emu-fallback.dll")]
    public void Reports_are_the_same(string plugin, string service)
    {
        string path = Path.Combine(Repository.Root, plugin), report = Path.Combine(Repository.Work("fallback"), "report");
        plugin = Directory.Exists(path) ? path : plugin;
        foreach (string aot in (string[])["all", "none"])
        {
            var said = Shell.Run($"emu run -p {plugin} --aot {aot} -r {report} -- ./guest echo some words");
            Assert.Equal((0, "[probe]\ndescriptor 1: 8 writes, 24 bytes\n"), (said.Code, File.ReadAllText(report)));
        }
        string runner = Runners.Build(Path.Combine(Shell.Folder, "guest"), [plugin], aot: "none");
        Assert.Contains($"/{service}\0", File.ReadAllText(runner));
        var native = Repository.RunAny("/usr/bin/env", $"EMU_FALLBACK={Repository.Root}/.build/emu/emu-fallback", "EMU_DATA=/dev/null", runner, "echo");
        Assert.Equal(service == "emu-fallback" ? "" : $"emu: the fallback translator: plugin {path}: a native program cannot load it\n", native.Errors);
    }

    static void Compare(string guest, string aot, string[] plugins)
    {
        string path;
        lock (Building)
            path = Repository.Run(Script, guest, Configuration).Trim();
        foreach (var row in Cases[guest])
            Verify.Same(row with { Id = $"{row.Id}.{Configuration}.aot-{aot}", Guest = path }, plugins, plugins.Length > 0 ? "+plugins" : "", aot: aot);
    }
}
