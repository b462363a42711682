using System.Security.Cryptography;
using System.Text;
using Emu.Ir;
using Emu.Ir.Text;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.Linking;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;
using Emu.Translator.X86;

namespace Emu.Translator;

/// <summary>The translator, in order. The only place that knows it.</summary>
public sealed class Pipeline(Image image, PipelineOptions options)
{
    readonly Lazy<Discovery.Program> program = new(() => Discover.Run(image, []));

    public Discovery.Program Program => program.Value;

    /// <summary>Guest file to runner.</summary>
    public void Build(string guestPath, string output)
    {
        var modules = Chunks().ToArray();
        var objects = new string[modules.Length];
        Parallel.For(0, modules.Length, new ParallelOptions { MaxDegreeOfParallelism = options.Jobs }, n =>
        {
            objects[n] = Object(modules[n]);
            options.Progress?.Invoke(n, modules.Length);
        });
        string runner = options.Cache.Put("runner", RunnerModule.Emit(Contents(guestPath)));
        Linker.Link(output, [.. objects, runner], options.Core, image);
    }

    /// <summary>One region to IR, ready for lowering.</summary>
    public Function Lift(GuestRegion region)
    {
        var f = Lifter.Lift(region, new(_ => false, options.WithText));
        Check(f, "lift");
        return f;
    }

    public Function Prepare(GuestRegion region)
    {
        var f = Lift(region);
        DeadFlags.Run(f, Demand(region));
        Check(f, "flags");
        return f;
    }

    /// <summary>Regions to an object, from the cache when the same IR was compiled before.</summary>
    string Object(IReadOnlyList<GuestRegion> regions)
    {
        var functions = regions.Select(r => (Region: r, Function: Prepare(r))).ToArray();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{options.Version} O{options.Level}"));
        foreach (var (r, f) in functions) hash.AppendData(Encoding.UTF8.GetBytes(Printer.Print(f) + Describe(r)));
        return options.Cache.Get(Convert.ToHexStringLower(hash.GetHashAndReset()), () => Codegen.Emit(Module(functions), options.Level));
    }

    ModuleWriter Module(IEnumerable<(GuestRegion Region, Function Function)> functions)
    {
        var m = new ModuleWriter("regions");
        var symbols = new ModuleSymbols(m, PluginData.None);
        foreach (var (r, f) in functions) RegionLowering.Lower(symbols, f, Demand(r));
        symbols.Plugins.Finish();
        symbols.Debug.Finish();
        return m;
    }

    /// <summary>A region's code after a stage, for reading.</summary>
    public string Show(GuestRegion region, string stage)
    {
        if (stage == "lift") return Printer.Print(Lift(region));
        if (stage == "flags") return Printer.Print(Prepare(region));
        using var m = Module([(region, Prepare(region))]);
        return stage switch
        {
            "unoptimized" => m.Print(),
            "llvm" => Codegen.Print(m, options.Level),
            _ => Encoding.UTF8.GetString(Codegen.Emit(m, options.Level, LLVMSharp.Interop.LLVMCodeGenFileType.LLVMAssemblyFile)),
        };
    }

    FlagDemand Demand(GuestRegion region) => FlagDemand.Everything(IsRoot);

    bool IsRoot(ulong pc) => Program.RegionAt(pc) != null;

    /// <summary>What an object depends on besides its IR: which exits have regions and which flags they want.</summary>
    string Describe(GuestRegion r) => "";

    /// <summary>Neighbouring regions, about <see cref="ChunkSize"/> instructions together: the unit of parallel work and of the cache.</summary>
    IEnumerable<IReadOnlyList<GuestRegion>> Chunks()
    {
        var chunk = new List<GuestRegion>();
        int size = 0;
        foreach (var r in Program.Regions)
        {
            chunk.Add(r);
            size += r.Blocks.Sum(b => b.Instructions.Count);
            if (size < ChunkSize) continue;
            yield return chunk;
            (chunk, size) = ([], 0);
        }
        if (chunk.Count > 0) yield return chunk;
    }

    const int ChunkSize = 2000;

    RunnerContents Contents(string guestPath) => new(guestPath, image.Base, [.. Program.Roots.Select(r => r.Address)], [], []);

    static void Check(Function f, string stage)
    {
        if (Verifier.Check(f).FirstOrDefault() is { } error) throw new InvalidOperationException($"after {stage}: region 0x{f.Entry:x}: {error}");
    }
}

/// <summary>How to translate.</summary>
public sealed record PipelineOptions(int Level, int Jobs, ObjectCache Cache, string Core, string Version)
{
    /// <summary>Whether IR carries disassembly.</summary>
    public bool WithText { get; init; }

    /// <summary>Called with modules done and modules in all.</summary>
    public Action<int, int>? Progress { get; init; }
}
