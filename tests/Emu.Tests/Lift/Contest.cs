using Emu.Ir;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>A subject that is to be compared, with its instructions.</summary>
sealed record Case(Subject Subject)
{
    public IReadOnlyList<Instruction> Instructions { get; } = [.. Decoder.Create(64, Subject.Code, HostMemory.Slot)];
}

/// <summary>One way of running a case, and an input for which it does not do what the CPU does.</summary>
/// <param name="Level">An index into <see cref="Arena.Levels"/>; -1: the interpreter.</param>
sealed record Disagreement(Case Case, int Level, Machine Before, string Difference)
{
    public string Where => Level < 0 ? "interpreter" : $"lowered {Arena.NameOf(Level)}";
}

/// <summary>How often a state that a case made was compared with the CPU's, by level, the interpreter's first.</summary>
sealed class Tally
{
    public long[] Compared { get; } = new long[1 + Arena.Levels.Length];

    /// <summary>How many of them could not be: the manual leaves the result open.</summary>
    public long Open { get; set; }

    public long Total => Compared.Sum();

    public void Add(Tally other)
    {
        for (int n = 0; n < Compared.Length; n++) Compared[n] += other.Compared[n];
        Open += other.Open;
    }

    public override string ToString() => $"{Total} comparisons (interpreter {Compared[0]}, {string.Join(", ", Arena.Levels.Select((_, n) => $"{Arena.NameOf(n)} {Compared[n + 1]}"))}; {Open} of results that are undefined)";
}

/// <summary>Runs cases on many inputs each, by the CPU, the interpreter and compiled code, and compares what becomes of the whole state.</summary>
sealed class Contest : IDisposable
{
    const string Skipped = "skipped";

    readonly IReadOnlyList<Case> cases;
    readonly Function[] functions;
    readonly Arena arena;
    readonly Machine[] before = new Machine[Arena.Capacity], mine = new Machine[Arena.Capacity];
    readonly List<int> batch = [];
    readonly HashSet<(int, int)> lost = [];

    public Contest(IReadOnlyList<Case> cases)
    {
        this.cases = cases;
        functions = [.. cases.Select(c => c.Subject.Lift())];
        arena = new([.. cases.Select(c => c.Subject)]);
        var noise = new Dice(2);
        for (int n = 0; n < Arena.Capacity; n++)
        {
            (before[n], mine[n]) = (new(), new());
            noise.NextBytes(before[n].Memory);
        }
    }

    public Tally Tally { get; } = new();

    /// <summary>The first disagreement of each case at each level.</summary>
    public List<Disagreement> Disagreements { get; } = [];

    /// <summary>Tries each case on <paramref name="inputs"/> inputs.</summary>
    public void Run(int inputs, Action<Machine, Case> fill)
    {
        for (int c = 0; c < cases.Count; c++)
            for (int k = 0; k < inputs; k++)
            {
                fill(before[batch.Count], cases[c]);
                arena.Add(c, before[batch.Count]);
                batch.Add(c);
                if (batch.Count == Arena.Capacity) Flush();
            }
        Flush();
    }

    /// <summary>Tries a case on one input; gives what is different at a level.</summary>
    public string? Try(int c, Machine input, int level)
    {
        arena.Run(c, input);
        input.CopyTo(mine[0]);
        string? error = level < 0 ? Interpret(c, mine[0]) : null;
        if (error == Skipped) return null;
        return (error ?? Compare(c, 0, level, input, level < 0 ? mine[0] : null)) is { } text && text != Skipped ? text : null;
    }

    /// <summary>The operation for which a case is left to LLVM; null where the first tier has code for all of it.</summary>
    public string? NoBaseline(int c) => arena.NoBaseline(c);

    /// <summary>What the CPU made of the last trial.</summary>
    public Machine LastCpu => arena.Cpu(0);

    /// <summary>The child runs the batch while the interpreter does.</summary>
    void Flush()
    {
        if (batch.Count == 0) return;
        arena.Start();
        var errors = new string?[batch.Count];
        for (int n = 0; n < batch.Count; n++)
        {
            before[n].CopyTo(mine[n]);
            errors[n] = Interpret(batch[n], mine[n]);
        }
        arena.Wait();
        for (int n = 0; n < batch.Count; n++)
            for (int level = -1; level < Arena.Levels.Length; level++)
                Judge(batch[n], level, before[n], level < 0 && errors[n] is { } error ? error : Compare(batch[n], n, level, before[n], level < 0 ? mine[n] : null));
        batch.Clear();
    }

    void Judge(int c, int level, Machine input, string? difference)
    {
        if (difference == Skipped) return;
        Tally.Compared[level + 1]++;
        if (difference is null || !lost.Add((c, level))) return;
        Disagreements.Add(new(cases[c], level, input.Copy(), difference));
    }

    /// <summary>Its exceptions may be noted before an instruction ahead of it faults (ARCHITECTURE.md, "Floating point").</summary>
    static bool IsComparison(Instruction i) => i.Mnemonic is Mnemonic.Comiss or Mnemonic.Comisd or Mnemonic.Ucomiss or Mnemonic.Ucomisd or Mnemonic.Vcomiss or Mnemonic.Vcomisd or Mnemonic.Vucomiss or Mnemonic.Vucomisd;

    static bool IsUnmasked(State s) => (s["mxcsr"] & 0x1f80) != 0x1f80 || (s["fcw"] & 0x3f) != 0x3f;

    string? Interpret(int c, Machine m)
    {
        if (IsUnmasked(m.State)) return Skipped; // its SIGFPE would be this process's
        if (functions[c].Blocks.Any(b => b.Code.Any(i => i.Op == Op.Helper))) return Skipped; // the runtime core's own code
        try { m.Interpret(functions[c]); return null; }
        catch (Exception e) when (e is InvalidOperationException or NotSupportedException or FormatException or TimeoutException) { return e.Message; }
    }

    string? Compare(int c, int trial, int level, Machine input, Machine? interpreted)
    {
        if (level >= 0 && !arena.Has(c, level)) return Skipped;
        if (arena.IsSame(trial, level, interpreted)) return null;
        Machine cpu = arena.Cpu(trial), result = interpreted ?? arena.Lowered(trial, level);
        var executed = cases[c].Instructions.Where(i => cpu.Signal == 0 || i.IP <= cpu.Pc).ToList();
        var expected = Expectation.Of(executed, input);
        if (expected.IsOpen) { Tally.Open++; return null; }
        bool afterFault = cpu.Signal != 0 && level >= 0;
        string difference = result.Differences(cpu, expected.Undefined, afterFault, exceptions: !afterFault || !cases[c].Instructions.Skip(executed.Count).Any(IsComparison));
        if (difference == "") return null;
        // Alignment of these is checked by some CPUs, and lowered code leaves it to the host.
        if (level >= 0 || result.Signal != 0 || cpu.Signal != 11 || !executed.Exists(i => $"{i.Mnemonic}".StartsWith("Sha", StringComparison.Ordinal) && i.NeedsAlignment())) return difference;
        Tally.Open++;
        return null;
    }

    public void Dispose() => arena.Dispose();
}
