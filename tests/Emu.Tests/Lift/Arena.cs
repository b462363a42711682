using System.Diagnostics;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Text;
using Emu.Ir;
using Emu.Tests.Programs;
using Emu.Translator.Baseline;
using Emu.Translator.Linking;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;
using LLVMSharp.Interop;

namespace Emu.Tests.Lift;

/// <summary>Guest code to be tried: one instruction or a few, as if found at <see cref="HostMemory.Slot"/>.</summary>
sealed record Subject(byte[] Code, bool ExplodeRep)
{
    /// <summary>Its IR, as a function with a name of its own.</summary>
    public Function Lift(ulong name = HostMemory.Slot) => Machine.Lift(Code, ExplodeRep, name);
}

/// <summary>
/// Subjects in a process of their own (tests/lift/arena.c), where each runs from the same state on the CPU and as a build would
/// compile it at every one of <see cref="Levels"/>. A fault is an outcome like any other.
/// </summary>
sealed unsafe class Arena : IDisposable
{
    /// <summary>Ways to compile: LLVM without optimisation, and at the default level; and the first tier of code met at run time.</summary>
    public static readonly int[] Levels = [0, Codegen.DefaultLevel, Baseline];

    /// <summary>The level that is none of LLVM's.</summary>
    public const int Baseline = -1;

    public static string NameOf(int level) => Levels[level] == Baseline ? "baseline" : $"-O{Levels[level]}";

    /// <summary>Trials in one batch.</summary>
    public const int Capacity = 128;

    // struct trial and struct machine.
    const int CodeSize = 0x400, MemoryAt = GuestState.Streams + 16, MachineSize = MemoryAt + HostMemory.ScratchSize, Header = 16 + CodeSize;
    const int ChunkSize = 64;

    /// <summary>Those files of the runtime core that instructions call.</summary>
    static readonly string[] coreFiles = ["images.c"];

    static readonly Lazy<string[]> objects = new(() => [.. new[] { "tests/lift/arena.c" }.Concat(coreFiles.Select(f => $"runtime/core/{f}")).Select(Compile)]);

    readonly IReadOnlyList<Subject> subjects;
    readonly string directory = Directory.CreateTempSubdirectory("emu-lift-").FullName;
    readonly Process process;
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    readonly byte* trials;
    readonly Dictionary<int, string> left = [];
    int count;

    /// <summary>Why a subject has no code of the first tier: the operation that it lacks. Null where it has.</summary>
    public string? NoBaseline(int subject) => left.GetValueOrDefault(subject);

    /// <summary>Whether a subject is compiled at a level.</summary>
    public bool Has(int subject, int level) => Levels[level] != Baseline || NoBaseline(subject) is null;

    int TrialSize => Header + MachineSize * (2 + Levels.Length);

    public Arena(IReadOnlyList<Subject> subjects)
    {
        this.subjects = subjects;
        string program = Path.Combine(directory, "arena"), shared = Path.Combine(directory, "trials");
        Build(program);
        file = MemoryMappedFile.CreateFromFile(shared, FileMode.Create, null, (long)TrialSize * Capacity);
        view = file.CreateViewAccessor();
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref trials);
        process = Process.Start(new ProcessStartInfo(program, [shared]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    static ulong Name(int subject, int level) => (ulong)(subject * Levels.Length + level + 1);

    static string Compile(string source)
    {
        string output = Path.Combine(Repository.Work("arena"), $"{Path.GetFileName(source)}-{Environment.ProcessId}.o");
        Tool.Run("clang-19", ["-O1", "-c", "-I", Path.Combine(Repository.Root, "runtime/core"), "-o", output, Path.Combine(Repository.Root, source)]);
        return output;
    }

    void Build(string program)
    {
        var chunks = Enumerable.Range(0, subjects.Count).Chunk(ChunkSize).SelectMany(c => Levels.Index().Where(l => l.Item != Baseline).Select(l => (Subjects: c, Level: l.Index))).ToArray();
        var compiled = new string[chunks.Length];
        Parallel.For(0, chunks.Length, n => compiled[n] = Object($"{n}.o", m => { foreach (int s in chunks[n].Subjects) Lower(m, s, chunks[n].Level); }, Levels[chunks[n].Level]));
        Tool.Run("clang-19", ["-static", "-fuse-ld=lld-19", "-Wl,--image-base=0x60000000,--defsym=emu_dispatch_mask=0",
            .. objects.Value, .. compiled, Object("bridges.o", Bridges.Write, 0), Object("baseline.o", WriteBaseline, 0), Object("table.o", WriteTable, 0), "-o", program]);
    }

    void Lower(ModuleSymbols m, int subject, int level)
    {
        var f = subjects[subject].Lift(Name(subject, level));
        var demand = Demand.Everything(_ => false);
        if (Levels[level] > 0) DeadFlags.Run(f, demand);
        if (Verifier.Check(f).FirstOrDefault() is { } wrong) throw new InvalidOperationException($"{Convert.ToHexStringLower(subjects[subject].Code)}: {wrong}");
        RegionLowering.Lower(m, f, demand);
    }

    /// <summary>A subject's code of the first tier, or the operation that has none.</summary>
    public static (BaselineCode? Code, string? Lacks) BaselineOf(Subject subject, ulong name)
    {
        var f = subject.Lift(name);
        var demand = Demand.Everything(_ => false);
        DeadFlags.Run(f, demand);
        try { return (BaselineCompiler.Compile(f, demand, PluginData.None, counts: false), null); }
        catch (NoEncodingException e) { return (null, e.Message); }
    }

    void WriteBaseline(ModuleSymbols m)
    {
        var text = new StringBuilder(".text\n");
        var (stubs, references, starts) = BaselineStubs.Write();
        Write(text, stubs, references, starts.ToDictionary(s => s.Value, s => s.Key));
        int level = Array.IndexOf(Levels, Baseline);
        for (int s = 0; s < subjects.Count; s++)
        {
            var (code, lacks) = BaselineOf(subjects[s], Name(s, level));
            if (code is null) left[s] = lacks!;
            else Write(text, code.Text, code.References, new() { [0] = ModuleSymbols.RegionName(Name(s, level)) });
        }
        LLVM.SetModuleInlineAsm2(m.Module.Module, text.ToString(), (nuint)text.Length);
    }

    /// <summary>Code as assembly: bytes, and expressions where it refers to symbols.</summary>
    static void Write(StringBuilder to, byte[] code, IReadOnlyList<Reference> references, Dictionary<int, string> labels)
    {
        var at = references.ToDictionary(r => r.Offset);
        for (int n = 0; n < code.Length; n++)
        {
            if (labels.TryGetValue(n, out var label)) to.Append(CultureInfo.InvariantCulture, $".globl {label}\n{label}:\n");
            if (!at.TryGetValue(n, out var r)) { to.Append(CultureInfo.InvariantCulture, $".byte {code[n]}\n"); continue; }
            string value = r.Kind switch { ReferenceKind.Relative => $"{r.Symbol} - . - 4", ReferenceKind.Thread => $"{r.Symbol}@TPOFF + {r.Addend}", _ => $"{r.Symbol} + {r.Addend}" };
            to.Append(CultureInfo.InvariantCulture, $".long {value}\n");
            n += 3;
        }
    }

    /// <summary>The regions by subject and level, and for each core function one that says it is not here.</summary>
    void WriteTable(ModuleSymbols m)
    {
        var text = new StringBuilder(".data\n.globl regions\nregions:\n");
        for (int s = 0; s < subjects.Count; s++)
            for (int level = 0; level < Levels.Length; level++) text.Append(Has(s, level) ? $".quad {ModuleSymbols.RegionName(Name(s, level))}\n" : ".quad 0\n");
        text.Append(".text\n");
        foreach (var name in Bridges.Names) text.Append($".weak emu_{name}\nemu_{name}: ud2\n");
        LLVM.SetModuleInlineAsm2(m.Module.Module, text.ToString(), (nuint)text.Length);
    }

    string Object(string name, Action<ModuleSymbols> write, int level)
    {
        using var m = new ModuleWriter(name);
        var symbols = new ModuleSymbols(m, PluginData.None);
        write(symbols);
        symbols.Finish();
        string path = Path.Combine(directory, name);
        File.WriteAllBytes(path, Codegen.Emit(m, level));
        return path;
    }

    Span<byte> Trial(int n) => new(trials + (long)TrialSize * n, TrialSize);
    Span<byte> Place(int trial, int machine) => Trial(trial).Slice(Header + MachineSize * machine, MachineSize);

    /// <summary>Adds a trial to the batch.</summary>
    public void Add(int subject, Machine before)
    {
        var t = Trial(count);
        var code = subjects[subject].Code;
        BitConverter.TryWriteBytes(t, subject);
        BitConverter.TryWriteBytes(t[4..], code.Length);
        code.CopyTo(t[16..]);
        var m = Place(count++, 0);
        before.State.Bytes.AsSpan(0, GuestState.Streams).CopyTo(m);
        before.Memory.CopyTo(m[MemoryAt..]);
    }

    /// <summary>Starts the batch; <see cref="Wait"/> must follow.</summary>
    public void Start()
    {
        process.StandardInput.BaseStream.Write(BitConverter.GetBytes(count));
        process.StandardInput.BaseStream.Flush();
    }

    /// <summary>Waits until the batch is done, and empties it; its results stay until the next one is filled.</summary>
    public void Wait()
    {
        var answer = new byte[4];
        try { process.StandardOutput.BaseStream.ReadExactly(answer); }
        catch (EndOfStreamException)
        {
            process.WaitForExit();
            int n = Enumerable.Range(0, count).First(n => BitConverter.ToUInt64(Trial(n)[8..]) == 0);
            throw new InvalidOperationException($"status {process.ExitCode}: the process ended in {Convert.ToHexStringLower(subjects[BitConverter.ToInt32(Trial(n))].Code)}");
        }
        count = 0;
    }

    /// <summary>One trial alone.</summary>
    public void Run(int subject, Machine before)
    {
        Add(subject, before);
        Start();
        Wait();
    }

    /// <summary>Whether a machine is, bit for bit, what the CPU made; level -1: <paramref name="mine"/>, otherwise compiled code's.</summary>
    public bool IsSame(int trial, int level, Machine? mine)
    {
        var cpu = Place(trial, 1);
        if (mine is null) return Place(trial, 2 + level).SequenceEqual(cpu);
        return mine.State.Bytes.AsSpan(0, GuestState.Rip).SequenceEqual(cpu[..GuestState.Rip])
            && mine.State.Bytes.AsSpan(GuestState.Flags, GuestState.Streams - GuestState.Flags).SequenceEqual(cpu[GuestState.Flags..GuestState.Streams])
            && mine.Pc == BitConverter.ToUInt64(cpu[GuestState.Streams..]) && (ulong)mine.Signal == BitConverter.ToUInt64(cpu[(GuestState.Streams + 8)..])
            && mine.Memory.AsSpan().SequenceEqual(cpu[MemoryAt..]);
    }

    /// <summary>What the CPU made of a trial.</summary>
    public Machine Cpu(int trial) => Get(Place(trial, 1));

    /// <summary>What compiled code made of it.</summary>
    public Machine Lowered(int trial, int level) => Get(Place(trial, 2 + level));

    static Machine Get(ReadOnlySpan<byte> from)
    {
        var m = new Machine { Pc = BitConverter.ToUInt64(from[GuestState.Streams..]), Signal = (int)BitConverter.ToUInt64(from[(GuestState.Streams + 8)..]) };
        from[..GuestState.Streams].CopyTo(m.State.Bytes);
        from[MemoryAt..].CopyTo(m.Memory);
        return m;
    }

    public void Dispose()
    {
        process.Kill();
        process.Dispose();
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}
