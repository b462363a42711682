using System.Security.Cryptography;
using System.Text;
using Emu.Instrumentation;
using Emu.Ir;
using Emu.Ir.Text;
using Emu.Translator.Baseline;
using Emu.Translator.Closure;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.Instrumentation;
using Emu.Translator.Linking;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;
using Emu.Translator.X86;
using LLVMSharp.Interop;

namespace Emu.Translator;

/// <summary>The translator, in order. The only place that knows it.</summary>
public sealed class Pipeline
{
    readonly Image image;
    readonly PipelineOptions options;
    readonly Instrumenter instrumenter;
    readonly PluginData plugins;
    readonly Lazy<Probes> probes;
    readonly Lazy<Discovery.Program> discovered, program;
    readonly Lazy<IReadOnlyList<Function>> functions;
    readonly Lazy<Liveness> liveness;
    readonly Lazy<HashSet<ulong>> cycles;
    readonly Lazy<Dictionary<string, Transient>> writtenByImports, written; // what functions may change that this file imports, or any library exports
    readonly Lazy<IReadOnlyList<Pipeline>> libraries;

    public Pipeline(Image image, PipelineOptions options) : this(image, options, null) { }

    /// <param name="program">The program's pipeline, for that of a library: passes see all code of a runner.</param>
    Pipeline(Image image, PipelineOptions options, Pipeline? program)
    {
        (this.image, this.options) = (image, options);
        var shared = options.Plugins.Count > 0 ? program : null;
        instrumenter = shared?.instrumenter ?? new(options.Plugins, options.Scope);
        plugins = shared?.plugins ?? PluginData.Of(instrumenter.Registry);
        probes = shared?.probes ?? new(() => new(instrumenter.Registry.Probes(), options.Cache));
        // What nothing is taken of need not be looked at, which takes minutes with the largest programs.
        discovered = new(() => options.Coverage == 0 ? new(image, [], [], []) : Discover.Run(image, options.Roots));
        this.program = new(() => Chosen.From(discovered.Value, options.Coverage));
        functions = new(() => Parallel(discovered.Value.Regions, r => Instrumented(r, Bytes)));
        writtenByImports = new(() => WrittenByImports(program ?? this));
        // Of all of it: regions that are left to the fallback are callers and callees, too.
        liveness = new(() => Liveness.Of(functions.Value, discovered.Value, slot => image.ImportAt(slot) is { } name ? writtenByImports.Value.GetValueOrDefault(name) : 0));
        libraries = new(() => [.. options.Modules.Select(m => new Pipeline(m.Image, options with { Roots = m.Roots, Plugins = [] }, this))]);
        written = new(WrittenByLibraries);
        cycles = new(() => Cycles.Entries(discovered.Value));
    }

    /// <summary>What is translated ahead of time of what discovery found.</summary>
    public Discovery.Program Program => program.Value;

    /// <summary>Guest file to runner.</summary>
    public void Build(string guestPath, string output)
    {
        options.Progress?.Invoke(0, 0);
        _ = liveness.Value; // before modules narrow what functions write
        var chunks = Chunks(functions.Value.Where(f => IsRoot(f.Entry)), ChunkSize).ToArray();
        var code = new List<ModuleCode> { new([.. Program.Roots.Select(r => (r.Address, (r.Reason & RootReason.AddressTaken) != 0 ? Reach.ByPointer : Reach.Directly))], [], Compiled(chunks, Object)) };
        // Each library by itself: what is known of it does not depend on who uses it, and its objects serve all programs.
        foreach (var m in options.Modules) code.Add(OfLibrary(m).Library(Imports(m)));
        Linker.Link(output, [image, .. options.Modules.Select(m => m.Image)], options.Core, [.. code.SelectMany(c => c.Objects), .. Events(), Runner(guestPath, code), .. probes.Value.Objects()]);
    }

    /// <summary>What the functions that it imports may change, by name: all that is known of them in the modules that have one. Of the others nothing is known.</summary>
    Dictionary<string, Transient> WrittenByImports(Pipeline program) =>
        image.Imports.Distinct().Where(program.written.Value.ContainsKey).Order(StringComparer.Ordinal).ToDictionary(name => name, name => program.written.Value[name]);

    /// <summary>What any module's function of a name surely does not keep.</summary>
    Dictionary<string, Transient> WrittenByLibraries() => libraries.Value.SelectMany(l => l.WrittenByExports()).GroupBy(w => w.Name)
        .ToDictionary(g => g.Key, g => g.Aggregate(Transient.All, (all, w) => all & w.Written));

    IEnumerable<(string Name, Transient Written)> WrittenByExports()
    {
        var written = ReadPlan().Written;
        return image.Exports.Select(s => (s.Name, written.GetValueOrDefault(s.Address)));
    }

    // Passes name what they count while they see the code: with them it is gone through each time.
    LibraryPlan ReadPlan() => options.Plugins.Count > 0 ? Plan() : LibraryPlan.Read(File.ReadAllBytes(options.Cache.Get($"{LibraryKey()}-plan", () => Plan().ToBytes())));

    /// <summary>One that no pass is shown is what it is in a build without plugins.</summary>
    Pipeline OfLibrary(Closure.Module m) => options.Plugins.Count > 0 && options.Scope.Touches(new(m.Range.From, m.Range.To))
        ? new(m.Image, options with { Roots = m.Roots }, this) : libraries.Value.First(l => l.image == m.Image);

    /// <summary>What passes do at events.</summary>
    IEnumerable<string> Events() => instrumenter.Events() is { Count: > 0 } events ? [Object(events, _ => Passes.Demand.Everything(_ => false))] : [];

    /// <summary>What a runner has of one file: its regions, those of them that have only a stub, and the objects.</summary>
    sealed record ModuleCode(IReadOnlyList<(ulong, Reach)> Roots, IReadOnlyList<ulong> Stubs, IReadOnlyList<string> Objects);

    string[] Compiled<T>(IReadOnlyList<T> chunks, Func<T, string> compile)
    {
        int done = 0;
        return Parallel(chunks, c =>
        {
            string path = compile(c);
            options.Progress?.Invoke(Interlocked.Increment(ref done), chunks.Count);
            return path;
        });
    }

    /// <summary>Of a library those chunks in which something can be reached: all programs cut it at the same places.</summary>
    ModuleCode Library(IReadOnlySet<string> imports)
    {
        string key = Hashed([LibraryKey(), .. writtenByImports.Value.Select(w => $"{w.Key}:{(ulong)w.Value:x}")]);
        var plan = ReadPlan();
        var byEntry = new Lazy<Dictionary<ulong, Function>>(() =>
        {
            _ = liveness.Value;
            return functions.Value.ToDictionary(f => f.Entry);
        });
        Function[] Chunk(int n) => Array.ConvertAll(plan.Chunks[n], r => byEntry.Value[r]);
        var needed = plan.Needed(image, imports);
        var objects = Compiled(needed, n => options.Plugins.Count > 0 ? Object(Chunk(n)) : options.Cache.Get($"{key}-{n}", () => Emitted(Ready(Chunk(n), Demand))));
        var roots = needed.SelectMany(n => plan.Chunks[n]).ToHashSet();
        var known = plan.Chunks.SelectMany(c => c).ToHashSet();
        var reach = plan.Reached(image, imports);
        return new([.. roots.Order().Select(r => (r, reach(r)))], [.. roots.SelectMany(r => plan.Leaves[r]).Where(to => known.Contains(to) && !roots.Contains(to)).Distinct().Order()], objects);
    }

    LibraryPlan Plan() => LibraryPlan.Of(discovered.Value, [.. Chunks(functions.Value.Where(f => IsRoot(f.Entry)), LibraryChunkSize).Select(c => c.Select(f => f.Entry).ToArray())],
        Summaries.Written(functions.Value, discovered.Value));

    /// <summary>Everything that a library's translation depends on when there are no plugins.</summary>
    string LibraryKey() => Hashed([options.Level, options.Coverage, options.ExactFaults, image.Base, Hash(image), .. options.Roots.Order()]);

    static string Hashed(IEnumerable<object> all) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(' ', all))));

    /// <summary>The names that the other files of the program import, or that the dynamic linker looks up by itself (__libc_early_init).</summary>
    HashSet<string> Imports(Closure.Module of) =>
        [.. options.Modules.Where(m => m != of).Select(m => m.Image).Append(image).SelectMany(i => i.Imports), .. options.Modules[0].Image.Texts()];

    /// <summary>One region's code after a stage, for reading: lift, instrumented, flags, llvm (optimised), lowered (not yet), asm.</summary>
    public string Show(GuestRegion region, string stage)
    {
        if (stage == "lift") return Printer.Print(Lifted(region));
        if (stage == "instrumented") return Printer.Print(Instrumented(region, Bytes));
        _ = liveness.Value;
        var f = functions.Value.First(f => f.Entry == region.Root);
        var demand = Demand(f);
        if (stage == "flags") return Printer.Print(Ready(f, demand));
        using var m = Module([(Ready(f, demand), demand)]);
        return stage switch
        {
            "lowered" => m.Print(),
            "llvm" => Codegen.Print(m, options.Level),
            _ => Encoding.UTF8.GetString(Codegen.Emit(m, options.Level, LLVMCodeGenFileType.LLVMAssemblyFile)),
        };
    }

    /// <summary>One region that was met at run time, as an object file; it hands over everything, as it knows nothing of others.</summary>
    /// <returns>The object, and whether the region takes from whoever enters it what is passed to no function.</returns>
    public (byte[] Object, Reading Unpassed) Translate(GuestRegion region, Func<ulong, int, ReadOnlyMemory<byte>> bytes, Func<ulong, bool> isRoot, Func<ulong, bool> isPatched, Guard guard, ExactFaults exactFaults)
    {
        var f = Instrumented(region, bytes, isPatched);
        CutBehindStores.Run(f, guard);
        var demand = Passes.Demand.Everything(isRoot) with { Guard = guard, ExactFaults = exactFaults, IsChecked = _ => CallsItself(f) };
        var reads = Backwards.ReadsUnpassed(f);
        return (File.ReadAllBytes(Object([f], _ => demand)), reads);
    }

    /// <summary>The same by the first tier: in microseconds, with code that is slower. No code where only LLVM has some.</summary>
    public (BaselineCode? Code, Reading Unpassed) TranslateAtOnce(GuestRegion region, Func<ulong, int, ReadOnlyMemory<byte>> bytes, Func<ulong, bool> isRoot, Func<ulong, bool> isPatched, Guard guard, bool counts)
    {
        // Not verified here, as that takes longer than all the rest; it is where LLVM gets the same region.
        var f = Instrumented(region, bytes, isPatched, isVerified: false);
        CutBehindStores.Run(f, guard);
        var demand = Passes.Demand.Everything(isRoot) with { Guard = guard, ExactFaults = ExactFaults.Inside, IsChecked = _ => CallsItself(f) };
        var reads = Backwards.ReadsUnpassed(f);
        Cheapen(f, demand);
        try { return (BaselineCompiler.Compile(f, demand, plugins, counts), reads); }
        catch (NoEncodingException) { return (null, reads); }
    }

    /// <summary>Whether there is a direct call that no lookup of its target is in front of: other calls of code met at run time go to what was there before.</summary>
    static bool CallsItself(Function f) => f.Blocks.Exists(b => b.Terminator is { Op: Op.CallTo } call && call.Args[0] is Const c && (ulong)c.Bits == f.Entry);

    /// <summary>Names that passes gave to keys so far, by array.</summary>
    public IReadOnlyList<IReadOnlyDictionary<ulong, string>> Labels => instrumenter.Registry.Labels;

    /// <summary>The plugins' C files as bitcode.</summary>
    public IEnumerable<(string File, byte[] Bitcode)> Probes => probes.Value.Files;

    /// <summary>Whether the plugins are those of a run.</summary>
    public bool Declares(Meta run) => instrumenter.Registry.Declares(run);

    Function Lifted(GuestRegion region, Func<ulong, bool>? isPatched = null, bool isVerified = true)
    {
        var f = Lifter.Lift(region, new(pc => instrumenter.WatchesMemory(pc, SymbolAt(pc)), options.WithText, isPatched) { WatchesSystemCall = pc => instrumenter.WatchesSystemCall(pc, SymbolAt(pc)) });
        FrameFlow.ResolveReturns(f);
        return isVerified ? Checked("lift", f) : f;
    }

    Function Instrumented(GuestRegion region, Func<ulong, int, ReadOnlyMemory<byte>> bytes, Func<ulong, bool>? isPatched = null, bool isVerified = true)
    {
        var f = Lifted(region, isPatched, isVerified);
        if (options.Plugins.Count == 0) return f;
        var decoded = region.Blocks.SelectMany(b => b.Instructions).ToDictionary(i => i.IP);
        instrumenter.Run(f, new IcedGuestCode(pc => decoded[pc], bytes, SymbolAt, FileAt));
        return Checked("instrumentation", f);
    }

    /// <summary>The passes that make code cheaper and change nothing else.</summary>
    static void Cheapen(Function f, Demand demand)
    {
        MergeCounts.Run(f);
        DeadFlags.Run(f, demand);
    }

    static Function Ready(Function f, Demand demand)
    {
        Cheapen(f, demand);
        return Checked("dead flags", f);
    }

    /// <summary>Functions to an object, from the cache when the same IR was compiled before.</summary>
    string Object(IReadOnlyList<Function> functions) => Object(functions, Demand);

    string Object(IReadOnlyList<Function> functions, Func<Function, Demand> demand)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string s) => hash.AppendData(Encoding.UTF8.GetBytes(s));
        Add($"O{options.Level} {plugins.Describe()} {probes.Value.Describe()}\n");
        var ready = Ready(functions, demand);
        foreach (var (f, d) in ready) Add($"{Printer.Print(f)}{d.Describe(f)}\n");
        return options.Cache.Get(Convert.ToHexStringLower(hash.GetHashAndReset()), () => Emitted(ready));
    }

    static (Function Function, Demand Demand)[] Ready(IEnumerable<Function> functions, Func<Function, Demand> demand) =>
        [.. functions.Select(f => (Function: f, Demand: demand(f).Fixed(f))).Select(r => r with { Function = Ready(r.Function, r.Demand) })];

    byte[] Emitted(IReadOnlyCollection<(Function Function, Demand Demand)> functions)
    {
        using var m = Module(functions);
        return Codegen.Emit(m, options.Level);
    }

    ModuleWriter Module(IReadOnlyCollection<(Function Function, Demand Demand)> functions)
    {
        var m = new ModuleWriter("regions") { HasProbes = !probes.Value.IsEmpty };
        var symbols = new ModuleSymbols(m, plugins, sharesCells: functions.Any(f => f.Demand.Guard.Kind != GuardKind.None));
        foreach (var (f, demand) in functions) RegionLowering.Lower(symbols, f, demand);
        symbols.Finish();
        probes.Value.AddTo(m);
        return m;
    }

    /// <summary>The object with everything that is not code. Last: passes name counters while they instrument.</summary>
    string Runner(string guestPath, IReadOnlyList<ModuleCode> code)
    {
        byte[] meta = options.Plugins.Count == 0 ? []
            : (Meta.Of(new(FilePath.Printable(guestPath), image.BuildId, Hash(image), image.Base) { Libraries = [.. options.Modules.Select(m => new LibraryIdentity(m.Path, Hash(m.Image), m.Image.Base))] }, options.Plugins, instrumenter.Registry)
            with { Scope = options.Scope }).ToJson();
        return options.Cache.Put("runner", RunnerModule.Emit(new(guestPath, image.Base, [.. code.SelectMany(c => c.Roots)], meta, [.. instrumenter.Registry.Streams.Select(s => s.Path)], options.Fallback)
        {
            ExactFaults = options.ExactFaults, HasFixedAddresses = options.HasFixedAddresses, HasProbes = !probes.Value.IsEmpty,
            Follow = options.Follow, Stubs = [.. code.SelectMany(c => c.Stubs)], Interpreter = image.Interpreter, Modules = options.Modules,
        }));
    }

    static string Hash(Image image) => Convert.ToHexStringLower(SHA256.HashData(image.File.Span));

    Demand Demand(Function f) => Passes.Demand.Of(liveness.Value, f.Entry, IsRoot) with
    {
        IsChecked = cycles.Value.Contains, ExactFaults = options.ExactFaults ? ExactFaults.Everywhere : ExactFaults.No,
    };

    bool IsRoot(ulong pc) => Program.RegionAt(pc) != null;

    ReadOnlyMemory<byte> Bytes(ulong pc, int length) => image.TryRead(pc, (ulong)length, out var bytes) ? bytes.ToArray() : default;

    GuestSymbol? SymbolAt(ulong pc) => FileAt(pc)?.SymbolAt(pc);

    /// <summary>Asked for by passes only.</summary>
    CodeFile? FileAt(ulong pc) => options.Plugins.Count == 0 ? null : options.Files.FirstOrDefault(f => f.Pages.Has(pc));

    /// <summary>Neighbouring functions, so many operations together: the unit of parallel work and of the cache.</summary>
    static IEnumerable<IReadOnlyList<Function>> Chunks(IEnumerable<Function> functions, int limit)
    {
        var chunk = new List<Function>();
        int size = 0;
        foreach (var f in functions)
        {
            chunk.Add(f);
            size += f.Blocks.Sum(b => b.Code.Count);
            if (size < limit) continue;
            yield return chunk;
            (chunk, size) = ([], 0);
        }
        if (chunk.Count > 0) yield return chunk;
    }

    const int ChunkSize = 10000, LibraryChunkSize = 600;

    TResult[] Parallel<T, TResult>(IReadOnlyList<T> items, Func<T, TResult> work)
    {
        var results = new TResult[items.Count];
        try { System.Threading.Tasks.Parallel.For(0, items.Count, new() { MaxDegreeOfParallelism = options.Jobs }, n => results[n] = work(items[n])); }
        catch (AggregateException e) { System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); }
        return results;
    }

    static Function Checked(string stage, Function f) =>
        Verifier.Check(f).FirstOrDefault() is { } error ? throw new InvalidOperationException($"after {stage}: region 0x{f.Entry:x}: {error}") : f;
}

/// <summary>How to translate.</summary>
/// <param name="Level">0 (fast to build) ... 3 (fast to run).</param>
/// <param name="Jobs">Threads at most.</param>
/// <param name="Core">The runtime core's object file.</param>
public sealed record PipelineOptions(int Level, int Jobs, ObjectCache Cache, string Core)
{
    /// <summary>The plugins in the command line's order.</summary>
    public IReadOnlyList<Plugin> Plugins { get; init; } = [];

    /// <summary>Which code the plugins are shown.</summary>
    public Scope Scope { get; init; } = Scope.Everything;

    /// <summary>What passes are told of addresses: the program and its libraries.</summary>
    public IReadOnlyList<CodeFile> Files { get; init; } = [];

    /// <summary>PCs that are roots whether or not discovery finds them.</summary>
    public IReadOnlyList<ulong> Roots { get; init; } = [];

    /// <summary>The dynamic linker and the libraries of a dynamic program, placed; the linker first.</summary>
    public IReadOnlyList<Closure.Module> Modules { get; init; } = [];

    /// <summary>How much is translated ahead of time: percent of all regions, chosen by address; the rest is left to the fallback.</summary>
    public int Coverage { get; init; } = 100;

    /// <summary>Whether handlers of faults see all registers, and may change them: code runs slower.</summary>
    public bool ExactFaults { get; init; }

    /// <summary>Whether the guest's stack and mappings are at the same addresses in each run.</summary>
    public bool HasFixedAddresses { get; init; }

    /// <summary>What the runner asks for code that it does not have.</summary>
    public FallbackReference Fallback { get; init; } = FallbackReference.None;

    /// <summary>How the runner has programs translated that it executes; "": it does not.</summary>
    public string Follow { get; init; } = "";

    /// <summary>Whether IR carries disassembly.</summary>
    public bool WithText { get; init; }

    /// <summary>Called with modules done and modules in all, from any thread; while it is not known how many there are, with 0.</summary>
    public Action<int, int>? Progress { get; init; }
}
