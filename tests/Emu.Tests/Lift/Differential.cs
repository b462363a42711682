using Emu.Ir;
using Emu.Ir.Text;
using Iced.Intel;
using Xunit;
using Lifter = Emu.Translator.X86.Lift;

namespace Emu.Tests.Lift;

/// <summary>Runs lifted code; throws <see cref="GuestFault"/> where the guest would get a signal.</summary>
delegate void Runner(Function f, Machine m);

/// <summary>Every encoding of every lifted instruction, on random inputs: the CPU's result against the interpreter's.</summary>
[Collection("host memory")]
public sealed class Differential
{
    /// <summary>A file that names the case being run, for when the CPU faults and takes the test process with it.</summary>
    static readonly string? trace = Environment.GetEnvironmentVariable("EMU_TRACE");
    static readonly Runner interpret = (f, m) => m.Interpret(f);

    [Fact]
    public void Interpreter_agrees_with_the_cpu()
    {
        int seed = int.Parse(Environment.GetEnvironmentVariable("EMU_SEED") ?? "1"), rounds = int.Parse(Environment.GetEnvironmentVariable("EMU_ROUNDS") ?? "6");
        string? only = Environment.GetEnvironmentVariable("EMU_ONLY");
        var bad = new List<string>();
        foreach (var code in Samples.Codes())
        {
            if (only != null && !code.Mnemonic().ToString().Contains(only, StringComparison.OrdinalIgnoreCase)) continue;
            foreach (bool memory in new[] { false, true })
                if (Check(code, memory, new Random(HashCode(seed, code, memory)), rounds, interpret) is { } error) bad.Add(error);
        }
        Assert.True(bad.Count == 0, $"{bad.Count} encodings differ:\n{string.Join('\n', bad)}");
    }

    /// <summary>Stable from run to run, which System.HashCode is not.</summary>
    static int HashCode(int seed, Code code, bool memory) => (seed * 5003 + (int)code) * 2 + (memory ? 1 : 0);

    /// <summary>The first disagreement on a few samples of one encoding, as a line to paste into tests/lift; null if there is none.</summary>
    static string? Check(Code code, bool memory, Random random, int rounds, Runner run)
    {
        var samples = new Samples(random);
        for (int n = 0; n < rounds; n++)
        {
            if (samples.Make(code, memory) is not var (i, bytes)) continue;
            var f = Machine.Lift(bytes, explodeRep: random.Next(2) == 0);
            if (Verifier.Check(f).FirstOrDefault() is { } wrong) return $"{i}: {wrong}";
            Hardware.Prepare(bytes);
            for (int k = 0; k < rounds; k++)
                if (Compare(i, f, Inputs.For(random, i), run) is { } error) return error;
        }
        return null;
    }

    static string? Compare(in Instruction i, Function f, Machine before, Runner run)
    {
        if (Expectation.IsUndefined(i, before.State)) return null;
        Machine mine = before.Copy(), cpu = before.Copy();
        try
        {
            run(f, mine);
        }
        catch (GuestFault) when (i.Mnemonic is Mnemonic.Div or Mnemonic.Idiv or Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc) { return null; }
        catch (Exception e) when (e is not FormatException) { return $"{i}: {e.Message}\n{Printer.Print(f)}"; }
        if (trace != null) File.WriteAllText(trace, Expectation.Line(i, before));
        cpu.Execute();
        string difference = mine.Differences(cpu, Expectation.Undefined(i, before.State), Expectation.Codes(i));
        return difference == "" ? null : $"{Expectation.Line(i, before)}    {difference}";
    }
}

/// <summary>Stubs and operands are at fixed addresses, so these tests run one after another.</summary>
[CollectionDefinition("host memory", DisableParallelization = true)]
public sealed class HostMemoryTests;
