using Emu.Ir;

namespace Emu.Instrumentation;

/// <summary>Shows a region's sites to the plugins, in command line order, and inserts what they ask for.</summary>
/// <param name="scope">What is outside is shown to none of them.</param>
public sealed class Instrumenter(IReadOnlyList<Plugin> plugins, Scope scope)
{
    /// <summary>All code is shown.</summary>
    public Instrumenter(IReadOnlyList<Plugin> plugins) : this(plugins, Scope.Everything) { }

    readonly Lock one = new();
    readonly Filter[] filters = [.. plugins.Select(p => p.Filter)];
    readonly bool[] blocks = Watching(plugins, nameof(InstrumentationPass.Block));
    readonly bool[] instructions = Watching(plugins, nameof(InstrumentationPass.Instruction));
    readonly bool[] memory = Watching(plugins, nameof(InstrumentationPass.Memory));
    readonly bool[] systemCalls = Watching(plugins, nameof(InstrumentationPass.SystemCall));

    /// <summary>The counters, streams and probes of the plugins, numbered.</summary>
    public Registry Registry { get; } = new(plugins);

    /// <summary>Whether a plugin watches an instruction's accesses: a rep string instruction is then to be lifted as a loop.</summary>
    public bool WatchesMemory(GuestInstruction instruction) => Covered(memory, instruction.Address, instruction.Symbol);

    /// <summary>Whether a plugin watches the accesses of the instruction at that address.</summary>
    public bool WatchesMemory(ulong address, GuestSymbol? symbol) => Covered(memory, address, symbol);

    /// <summary>Whether a plugin watches the system call at that address.</summary>
    public bool WatchesSystemCall(ulong address, GuestSymbol? symbol) => Covered(systemCalls, address, symbol);

    /// <summary>Inserts the plugins' code into a region. Safe to call from several threads; the passes see one at a time.</summary>
    public void Run(Function f, IGuestCode code)
    {
        lock (one) new Walk(this, f, code).Run();
    }

    /// <summary>A function for each event that a plugin watches, with what it does then.</summary>
    public IReadOnlyList<Function> Events()
    {
        lock (one) return [.. Event.All.Where(e => Watching(plugins, e.Callback).Contains(true)).Select(e => e.Instrumented(plugins))];
    }

    /// <summary>Takes away everything that passes inserted: the plain region, which prints the same text as before.</summary>
    public static void Strip(Function f)
    {
        foreach (var b in f.Blocks) b.Code.RemoveAll(i => i.Inserted);
    }

    /// <summary>Whether more than the entries of blocks is watched.</summary>
    internal bool WatchesInside { get; } = Watching(plugins, nameof(InstrumentationPass.Instruction)).Concat(Watching(plugins, nameof(InstrumentationPass.Memory)))
        .Concat(Watching(plugins, nameof(InstrumentationPass.SystemCall))).Contains(true);

    internal bool WatchesInstruction(GuestInstruction i) => Covered(instructions, i.Address, i.Symbol);
    internal bool WatchesSystemCall(GuestInstruction i) => Covered(systemCalls, i.Address, i.Symbol);
    internal bool WatchesBlock(GuestInstruction first) => Covered(blocks, first.Address, first.Symbol);
    internal void Block(BlockSite at) => Show(blocks, at, (pass, site) => pass.Block(site));
    internal void Instruction(InstructionSite at) => Show(instructions, at, (pass, site) => pass.Instruction(site));
    internal void Memory(MemorySite at) => Show(memory, at, (pass, site) => pass.Memory(site));

    internal void SystemCall(SystemCallSite at) => Show(systemCalls, at, (pass, site) => pass.SystemCall(site));

    void Show<T>(bool[] watching, T at, Action<InstrumentationPass, T> show) where T : CodeSite
    {
        for (int n = 0; n < plugins.Count; n++)
            if (watching[n] && filters[n].Covers(at.Instruction.Address, at.Instruction.Symbol)) plugins[n].Do(pass => show(pass, at));
    }

    bool Covered(bool[] watching, ulong address, GuestSymbol? symbol)
    {
        if (!scope.Covers(address)) return false;
        for (int n = 0; n < watching.Length; n++)
            if (watching[n] && filters[n].Covers(address, symbol)) return true;
        return false;
    }

    /// <summary>Which passes override a callback.</summary>
    static bool[] Watching(IReadOnlyList<Plugin> plugins, string callback) =>
        [.. plugins.Select(p => p.Pass.GetType().GetMethod(callback)!.DeclaringType != typeof(InstrumentationPass))];
}
