using System.Text;
using Emu.Ir;
using Emu.Tests.Programs;
using Emu.Translator.X86;
using Iced.Intel;
using Xunit;

namespace Emu.Tests.Lift;

/// <summary>What of the instruction set is lifted: rows against Iced's list, and ISA.md, which is made from the rows.</summary>
[Collection("host memory")]
public sealed class IsaTests
{
    [Fact]
    public void Every_instruction_that_guests_are_told_of_has_a_row()
    {
        var missing = Codes().Where(c => Rules.All[c.Mnemonic()] == null && !c.IsPrivileged()).Select(c => $"{c.Mnemonic()}").ToHashSet();
        Assert.True(missing.Count == 0, $"without a row: {string.Join(' ', missing.Order())}");
    }

    [Fact]
    public void Isa_md_is_what_the_rows_say()
    {
        string path = Path.Combine(Repository.Root, "ISA.md"), text = Write();
        if (Environment.GetEnvironmentVariable("EMU_BLESS") == "1") File.WriteAllText(path, text);
        Assert.True(File.Exists(path) && File.ReadAllText(path) == text, "ISA.md is not what the rows say: EMU_BLESS=1 ./test IsaTests writes it");
    }

    /// <summary>Every encoding that the guest's CPU has in 64-bit mode; not those that are a separate wait and another instruction.</summary>
    static IEnumerable<Code> Codes() => Enum.GetValues<Code>().Where(c => c.ToOpCode() is { IsInstruction: true, Mode64: true } o && Features.Has(c)
        && !o.ToOpCodeString().StartsWith("9B ", StringComparison.Ordinal) && c.Mnemonic() is not (Mnemonic.Feni or Mnemonic.Fdisi or Mnemonic.Fsetpm));

    static string Write()
    {
        var cases = LiftCase.All().SelectMany(c => c.Case.Instructions.Select(i => i.Mnemonic).Distinct()).CountBy(m => m).ToDictionary();
        var random = Samples.Rows.Select(c => c.Mnemonic()).ToHashSet();
        var s = new StringBuilder("""
            # The instruction set

            What of x86-64 is lifted, written from the rows of `translator/Emu.Translator/X86` by a test (`EMU_BLESS=1 ./test IsaTests`). Guests
            are told of these extensions, each where the host has it; what is not here is #UD to them, as on a CPU without it.

            - lifted: to the IR's own operations; *host*: with the host's own instruction on values; *core*: by the runtime core; *nop*: does
              nothing that a program can see; *trap*: the signal that it raises natively.
            - cases: lines of `tests/lift`, each against the CPU. random: every encoding, on random registers, memory and immediates, against the CPU
              (what is not tried, and why, is in `tests/Emu.Tests/Lift/Outside.cs`).


            """);
        foreach (var g in Codes().GroupBy(Extension).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            s.Append($"## {g.Key}\n\n| mnemonic | status | cases | random |\n|---|---|---|---|\n");
            foreach (var m in g.GroupBy(c => c.Mnemonic()).OrderBy(m => $"{m.Key}", StringComparer.Ordinal))
                s.Append($"| {$"{m.Key}".ToLowerInvariant()} | {Status([.. m])} | {cases.GetValueOrDefault(m.Key)} | {(random.Contains(m.Key) ? "yes" : "-")} |\n");
            s.Append('\n');
        }
        var hidden = Enum.GetValues<Code>().Where(c => c.ToOpCode() is { IsInstruction: true, Mode64: true } && c.Encoding() is EncodingKind.Legacy or EncodingKind.VEX && !c.IsPrivileged() && !Features.Has(c))
            .SelectMany(c => c.CpuidFeatures()).Where(f => !f.ToString().StartsWith("PADLOCK", StringComparison.Ordinal) && f is not CpuidFeature.KNC).Distinct().Where(f => !Features.All.Any(x => x.Iced.Contains(f))).Select(f => f.ToString()).Order(StringComparer.Ordinal);
        s.Append($"## Hidden\n\nNever shown to guests: {string.Join(", ", hidden)}, and all of AVX-512.\n");
        return s.ToString();
    }

    static string Extension(Code c) => string.Join(" + ", c.CpuidFeatures().Select(f => f.ToString() is var n && n.StartsWith("INTEL", StringComparison.Ordinal) || n == "X64" ? "base" : n).Distinct());

    static string Status(Code[] codes)
    {
        if (Rules.All[codes[0].Mnemonic()] == null) return codes[0].IsPrivileged() ? "trap" : "**missing**";
        var kinds = codes.Select(Kind).Where(k => k != null).Distinct().ToList();
        return kinds.Count == 0 ? "lifted" : string.Join(", ", kinds);
    }

    static string? Kind(Code c)
    {
        var samples = new Samples(new Dice(1));
        if (Enumerable.Range(0, 40).Select(n => samples.Make(c, memory: n % 2 != 0)).FirstOrDefault(s => s != null) is not var (_, bytes)) return null;
        var code = Machine.Lift(bytes, explodeRep: true).Blocks.SelectMany(b => b.Code).ToList();
        return code.Exists(i => i.Op == Op.Trap && i.Detail is not Detail.Reason { Text: Rules.SetsTrapFlag }) ? "trap" : code.Exists(i => i.Op == Op.Helper) ? "core" : code.Exists(i => i.Op == Op.Native) ? "host" : code.Count == 2 && code[1].Op == Op.Goto ? "nop" : "lifted";
    }
}
