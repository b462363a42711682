using System.Diagnostics;
using Emu.Ir;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Random instructions and blocks against the CPU. The same seed tries the same cases.</summary>
sealed class Fuzz(ulong seed)
{
    readonly Dice dice = new(seed);
    readonly HashSet<string> seen = [];

    public Tally Tally { get; } = new();

    /// <summary>Each as a line of tests/lift; one for an encoding and level.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>Called with each failure as it is found.</summary>
    public Action<string>? Found { get; init; }

    /// <summary>Every encoding with and without a memory operand; <paramref name="only"/>: those whose name contains it.</summary>
    public void Instructions(int inputs, string only = "")
    {
        var samples = new Samples(dice);
        var cases = new List<Case>();
        foreach (var code in Samples.Codes.Where(c => c.ToString().Contains(only, StringComparison.OrdinalIgnoreCase)))
            foreach (bool memory in new[] { false, true })
                if (Make(samples, code, memory) is { } bytes) cases.Add(new(new(bytes, dice.OneIn(2))));
        var fill = new Inputs(dice);
        Run(cases, inputs, (m, c) => fill.Fill(m, c.Instructions[0]));
    }

    /// <summary>Blocks of 5 to 30 instructions.</summary>
    public void Blocks(int count, int inputs)
    {
        var blocks = new Blocks(dice);
        var cases = Enumerable.Range(0, count).Select(_ => blocks.Make()).ToList();
        Run(cases, inputs, blocks.Fill);
    }

    /// <summary>An instruction of an encoding: not every choice of registers can be encoded.</summary>
    public static byte[]? Make(Samples samples, Code code, bool memory)
    {
        for (int n = 0; n < 20; n++) if (samples.Make(code, memory) is var (_, bytes)) return IsLifted(bytes) ? bytes : null;
        return null;
    }

    /// <summary>Whether an instruction becomes more than a trap that says it is not supported.</summary>
    public static bool IsLifted(byte[] code) => !new Subject(code, true).Lift().Blocks.SelectMany(b => b.Code).Any(i => i.Detail is Detail.Reason r && r.Text.StartsWith("unsupported", StringComparison.Ordinal));

    void Run(List<Case> cases, int inputs, Action<Machine, Case> fill)
    {
        using var contest = new Contest(cases);
        contest.Run(inputs, fill);
        Tally.Add(contest.Tally);
        foreach (var d in contest.Disagreements)
        {
            if (!seen.Add(d.Case.Instructions.Count > 1 ? $"block {d.Level}" : $"{d.Case.Instructions[0].Code}")) continue;
            string text = Reduction.Report(d);
            Failures.Add(text);
            Found?.Invoke(text);
        }
    }

    /// <summary>Until the minutes are over; gives the exit status.</summary>
    public static int Until(double minutes, ulong seed, string only)
    {
        var clock = Stopwatch.StartNew();
        var all = new Tally();
        long failures = 0;
        ulong at = seed;
        for (; clock.Elapsed.TotalMinutes < minutes; at++)
        {
            var round = new Fuzz(at) { Found = text => { Interlocked.Increment(ref failures); Console.WriteLine($"; seed {at}\n{text}"); } };
            round.Instructions(inputs: 60, only);
            if (only == "") round.Blocks(count: 600, inputs: 100);
            all.Add(round.Tally);
            Console.WriteLine($"; {clock.Elapsed:hh\\:mm\\:ss} seed {at}: {round.Tally.Total} comparisons; so far {all.Total}, {failures} disagreements");
        }
        Console.WriteLine($"seeds {seed} to {at - 1}: {all}, {failures} disagreements");
        return failures == 0 ? 0 : 1;
    }
}
