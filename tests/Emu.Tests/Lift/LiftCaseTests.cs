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
    static readonly List<LiftCase> cases = [.. all.Where(c => c.Case.Instructions.All(i => HostCpu.Has(i.Code)))];

    [Fact]
    public void Interpreter_and_lowered_code_do_what_the_cpu_does()
    {
        var bad = new List<string>();
        using var contest = new Contest([.. cases.Select(c => c.Case)]);
        for (int n = 0; n < cases.Count; n++)
        {
            var (input, texts) = (cases[n].Before(), new List<string>());
            for (int level = -1; level < Arena.Levels.Length; level++)
                if (contest.Try(n, input, level) is { } text) texts.Add($"{new Disagreement(cases[n].Case, level, input, "").Where}: {text}");
            if (cases[n].Unmet(contest.LastCpu) is { Length: > 0 } unmet) texts.Add($"the CPU does not give {unmet}");
            bad.AddRange(texts.Select(t => $"{cases[n].Place}: {cases[n].Assembly} | {cases[n].Inputs}: {t}"));
        }
        Assert.True(bad.Count == 0, string.Join('\n', bad));
    }

    /// <summary>What the first tier leaves to LLVM, and what is left with it.</summary>
    static readonly string[] leftToLlvm =
    [
        "a scalar of 6 bytes", // far jumps
        "native.i64 lar", "native.i64 lsl", "native.i64 verr", "native.i64 verw",
        "shl.i128", "shr.i128", // rotations through the carry, by cl
    ];

    [Fact]
    public void The_first_tier_has_code_for_all_but_what_is_listed()
    {
        var left = all.Select(c => (c.Assembly, Arena.BaselineOf(c.Case.Subject, name: 1).Lacks)).Where(c => c.Lacks != null).ToLookup(c => c.Lacks!, c => c.Assembly);
        var unlisted = left.Where(l => !leftToLlvm.Contains(l.Key)).Select(l => $"{l.Key}: {l.First()}, {l.Count()} cases").Order(StringComparer.Ordinal);
        Assert.True(!unlisted.Any(), string.Join("\n", unlisted));
        Assert.Equal([], leftToLlvm.Where(l => !left.Contains(l)));
    }

    [Fact]
    public void Every_row_has_a_case()
    {
        var tried = all.SelectMany(c => c.Case.Instructions).Select(i => i.Mnemonic).ToHashSet();
        var missing = Samples.Codes.Select(c => c.Mnemonic()).Distinct().Where(m => !tried.Contains(m)).Order();
        Assert.True(!missing.Any(), $"no line in tests/lift for: {string.Join(' ', missing)}");
    }
}
