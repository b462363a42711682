using Emu.Instrumentation;
using Emu.Plugins;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>Plugins by name, by assembly and by folder of sources.</summary>
public sealed class CatalogTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("emu-catalog-").FullName;

    PluginCatalog Catalog => new(typeof(BlockCounter).Assembly, Path.Combine(folder, "cache"));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    string Error(string plugin) => Assert.Throws<PluginException>(() => Catalog.Create([plugin])).Message;

    string Source(string name, string text)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    [Fact]
    public void BuiltInByName()
    {
        var plugins = Catalog.Create(["memtrace,value=on", "blocks", "blocks,top=5"]);
        Assert.Equal(["memtrace", "blocks", "blocks2"], plugins.Select(p => p.Name));
        Assert.Equal(["blocks", "calls", "insns", "memtrace", "opcodes", "probe", "syscalls"], Catalog.BuiltIn.Select(p => p.Name).Order());
        Assert.Contains(Catalog.BuiltIn.Single(p => p.Name == "blocks").Options, o => o.Name == "top");
    }

    [Fact]
    public void TheSampleFindsItsProbe() =>
        Assert.Equal("on_syscall", new Registry(Catalog.Create(["probe"])).Probes().Single(p => File.Exists(p.File)).Function);

    [Fact]
    public void AMistakeIsOneLine()
    {
        Assert.Equal("no plugin 'block'; there are: blocks, calls, insns, memtrace, opcodes, syscalls, probe, or a path: ./MyPass.dll, ./folder", Error("block"));
        Assert.Equal("no plugin './none.dll': there is no such file or folder", Error("./none.dll"));
        Assert.Equal($"{folder}: there is no C# file in it", Error(folder));
        Assert.Equal($"{Source("text.dll", "text")}: this is not a .NET assembly", Error($"{folder}/text.dll"));
        string other = typeof(Emu.Ir.Op).Assembly.Location;
        Assert.Equal($"{other}: it has no class that extends InstrumentationPass", Error(other));
    }

    [Fact]
    public void AnAssemblyByPath() => Assert.Contains("blocks", Catalog.Create([typeof(BlockCounter).Assembly.Location]).Select(p => p.Name));

    [Fact]
    public void AFolderIsCompiledOnce()
    {
        const string Pass = """
            using Emu.Instrumentation;

            [Plugin("mine")]
            public sealed class Mine : InstrumentationPass
            {
                readonly Counters hits = new("hits");
                readonly Probe hit = Probe.FromC("mine.c", "hit");

                [Option("step")] public int Step { get; set; } = 1;

                public override void Block(BlockSite at) { at.Count(hits, by: Step); at.Call(hit, at.Address); }
            }
            """;
        Source("my pass/Mine.cs", Pass);
        string c = Source("my pass/mine.c", "");
        var plugins = Catalog.Create([$"{folder}/my pass,step=2"]);
        Assert.Equal(("mine", $"{folder}/my pass,step=2"), (plugins.Single().Name, plugins.Single().Options.ToString()));
        Assert.Equal([new("hit", c)], new Registry(plugins).Probes());
        var built = Directory.GetFiles(Path.Combine(folder, "cache"), "plugin.dll", SearchOption.AllDirectories).Select(File.GetLastWriteTimeUtc).Single();
        Catalog.Create([$"{folder}/my pass"]);
        Assert.Equal(built, Directory.GetFiles(Path.Combine(folder, "cache"), "plugin.dll", SearchOption.AllDirectories).Select(File.GetLastWriteTimeUtc).Single());

        Source("my pass/Mine.cs", Pass.Replace("at.Address", "at.Adress"));
        string error = Error($"{folder}/my pass");
        Assert.StartsWith($"{folder}/my pass: it does not compile:\n{folder}/my pass/Mine.cs(11,", error);
        Assert.Contains("'Adress'", error);
        Assert.Single(error.Split('\n').Skip(1));
    }
}
