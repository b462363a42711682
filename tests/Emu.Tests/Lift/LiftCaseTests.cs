using Emu.Ir;
using Emu.Translator.Linking;
using Iced.Intel;
using Xunit;

namespace Emu.Tests.Lift;

/// <summary>The cases of tests/lift: the CPU meets what is expected, and interpreter and compiled code do what the CPU does.</summary>
[Collection("host memory")]
public sealed class LiftCaseTests
{
    static readonly List<LiftCase> all = LiftCase.All();

    /// <summary>Those that this CPU can decide: it may lack an extension.</summary>
    static readonly List<LiftCase> cases = [.. all.Where(c => c.Instructions.All(i => HostCpu.Has(i.Code)))];

    [Fact]
    public void Interpreter() => Check((n, m) => m.Interpret(cases[n].Function));

    [Fact]
    public void Lowered_code()
    {
        using var lowered = new Lowered([.. cases.Select(c => c.Function)]);
        Check(lowered.Run);
    }

    [Fact]
    public void Every_row_has_a_case()
    {
        var tried = all.SelectMany(c => c.Instructions).Select(i => i.Mnemonic).ToHashSet();
        var missing = Samples.Codes().Select(c => c.Mnemonic()).Distinct().Where(m => !tried.Contains(m)).Order();
        Assert.True(!missing.Any(), $"no line in tests/lift for: {string.Join(' ', missing)}");
    }

    static void Check(Action<int, Machine> run)
    {
        var bad = new List<string>();
        for (int n = 0; n < cases.Count; n++)
            if (Differences(n, run) is { Length: > 0 } text) bad.Add($"{cases[n].Place}: {cases[n].Assembly} | {cases[n].Inputs}: {text}");
        Assert.True(bad.Count == 0, string.Join('\n', bad));
    }

    static string Differences(int n, Action<int, Machine> run)
    {
        var c = cases[n];
        if (Verifier.Check(c.Function).FirstOrDefault() is { } error) return error;
        Machine mine = c.Before(), cpu = mine.Copy();
        try { run(n, mine); }
        catch (Exception e) when (e is GuestFault or InvalidOperationException or NotSupportedException) { return e.Message; }
        Hardware.Trace(() => c.Place);
        Hardware.Prepare(c.Code);
        cpu.Execute();
        if (c.Unmet(cpu) is { Length: > 0 } unmet) return $"the CPU does not give {unmet}";
        return mine.Differences(cpu, Undefined(c));
    }

    /// <summary>Flags that some instruction left undefined and none after it defined.</summary>
    static Flag Undefined(LiftCase c) => c.Instructions.Aggregate(Flag.None, (all, i) => all & ~Expectation.Map(i.RflagsModified) | Expectation.Map(i.RflagsUndefined));
}
