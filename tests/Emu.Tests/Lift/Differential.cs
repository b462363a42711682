using Emu.Ir;
using Emu.Ir.Text;
using Iced.Intel;
using Xunit;

namespace Emu.Tests.Lift;

/// <summary>Every encoding of every lifted instruction, on random inputs: what the interpreter and compiled code make of it, against the CPU.</summary>
[Collection("host memory")]
public sealed class Differential
{
    static readonly int seed = Setting("EMU_SEED", 1), rounds = Setting("EMU_ROUNDS", 4);
    static readonly string only = Environment.GetEnvironmentVariable("EMU_ONLY") ?? "";

    static int Setting(string name, int otherwise) => int.Parse(Environment.GetEnvironmentVariable(name) ?? $"{otherwise}");

    [Fact]
    public void Interpreter_agrees_with_the_cpu() => Check(Cases(rounds), (n, f) => m => m.Interpret(f), compiled: false);

    [Fact]
    public void Lowered_code_agrees_with_the_cpu()
    {
        var cases = Cases(1).ToList();
        using var lowered = new Lowered([.. cases.Select(c => c.Function)]);
        Check(cases, (n, f) => m => lowered.Run(n, m), compiled: true);
    }

    sealed record Case(Instruction Instruction, byte[] Bytes, Function Function, Random Random);

    /// <summary>A few instructions of every encoding, with and without memory operand.</summary>
    static IEnumerable<Case> Cases(int samples)
    {
        ulong name = 0;
        foreach (var code in Samples.OnThisCpu().Where(c => c.Mnemonic().ToString().Contains(only, StringComparison.OrdinalIgnoreCase)))
            for (int n = 0; n < 2 * samples; n++)
            {
                var random = new Random((seed * 5003 + (int)code) * 1000 + n);
                if (new Samples(random).Make(code, memory: n % 2 == 1) is var (i, bytes))
                    yield return new(i, bytes, Machine.Lift(bytes, explodeRep: random.Next(2) == 0, name: ++name), random);
            }
    }

    /// <summary>Every disagreement, as a line to paste into tests/lift: one of each encoding.</summary>
    static void Check(IEnumerable<Case> cases, Func<int, Function, Action<Machine>> runner, bool compiled)
    {
        var bad = new Dictionary<Code, string>();
        foreach (var (n, c) in cases.Index())
        {
            if (bad.ContainsKey(c.Instruction.Code)) continue;
            if (Verifier.Check(c.Function).FirstOrDefault() is { } wrong) { bad[c.Instruction.Code] = $"{c.Instruction}: {wrong}"; continue; }
            Hardware.Prepare(c.Bytes);
            for (int k = 0; k < rounds; k++)
                if (Compare(c, Inputs.For(c.Random, c.Instruction), runner(n, c.Function), compiled) is { } error) bad[c.Instruction.Code] = error;
        }
        Assert.True(bad.Count == 0, $"{bad.Count} encodings differ:\n{string.Join('\n', bad.Values)}");
    }

    static string? Compare(Case c, Machine before, Action<Machine> run, bool compiled)
    {
        var i = c.Instruction;
        if (Expectation.IsUndefined(i, before.State) || Faults(c, before)) return null;
        Machine mine = before.Copy(), cpu = before.Copy();
        Hardware.Trace(() => Expectation.Line(i, before));
        try { run(mine); }
        catch (Exception e) when (e is not FormatException) { return $"{Expectation.Line(i, before)}    {e.Message}\n{Printer.Print(c.Function)}"; }
        cpu.Execute();
        string difference = mine.Differences(cpu, Expectation.Undefined(i, before.State));
        return difference == "" ? null : $"{Expectation.Line(i, before)}    {difference}";
    }

    /// <summary>Divisions overflow and bit strings reach far: such inputs would end the test's own process.</summary>
    static bool Faults(Case c, Machine before)
    {
        if (c.Instruction.Mnemonic is not (Mnemonic.Div or Mnemonic.Idiv or Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc)) return false;
        try { before.Copy().Interpret(c.Function); }
        catch (GuestFault) { return true; }
        return false;
    }
}

/// <summary>Stubs and operands are at fixed addresses, so these tests run one after another.</summary>
[CollectionDefinition("host memory", DisableParallelization = true)]
public sealed class HostMemoryTests;
