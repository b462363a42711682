using Emu.Ir;
using Iced.Intel;
using Lifter = Emu.Translator.X86.Lift;

namespace Emu.Tests.Lift;

/// <summary>What an instruction defines: the rest may differ between CPUs.</summary>
static class Expectation
{
    public static Flag Map(RflagsBits r) =>
        (r.HasFlag(RflagsBits.OF) ? Flag.O : 0) | (r.HasFlag(RflagsBits.SF) ? Flag.S : 0) | (r.HasFlag(RflagsBits.ZF) ? Flag.Z : 0)
        | (r.HasFlag(RflagsBits.AF) ? Flag.A : 0) | (r.HasFlag(RflagsBits.PF) ? Flag.P : 0) | (r.HasFlag(RflagsBits.CF) ? Flag.C : 0);

    /// <summary>Flags that the manual leaves undefined; by a count in cl, only when it is not zero.</summary>
    public static Flag Undefined(in Instruction i, State s) => Map(i.RflagsUndefined);

    /// <summary>Whole results that the manual leaves undefined.</summary>
    public static bool IsUndefined(in Instruction i, State s) => i.Mnemonic switch
    {
        Mnemonic.Bswap => i.Op0Register.IsGPR16(),
        Mnemonic.Shld or Mnemonic.Shrd => i.Op1Register.IsGPR16() && ((i.Op2Kind == OpKind.Register ? s["rcx"] : i.Immediate8) & 31) > 16,
        _ => false,
    };

    /// <summary>The case as a line of tests/lift: the instruction and the registers and flags that it reads.</summary>
    public static string Line(in Instruction i, Machine before)
    {
        var formatter = new NasmFormatter();
        var text = new StringOutput();
        formatter.Format(i, text);
        var inputs = new List<string>();
        foreach (var r in new InstructionInfoFactory().GetInfo(i).GetUsedRegisters().Select(r => r.Register).Where(r => r.IsGPR() || r.IsVectorRegister() || r.IsST()))
        {
            string full = Lifter.Full(r);
            string value = $"{(r.IsVectorRegister() ? r.ToString().ToLowerInvariant() : full)}=0x{before.State.Get(new(full), full[0] == 's' && full[1] == 't' ? 10 : r.IsVectorRegister() ? r.GetSize() : 8):x}";
            if (!inputs.Contains(value)) inputs.Add(value);
        }
        foreach (char c in FlagTable.Letters(before.State.Flags & Map(i.RflagsRead))) inputs.Add($"{c}f");
        if (before.State["mxcsr"] != 0x1f80) inputs.Add($"mxcsr=0x{before.State["mxcsr"]:x}");
        return $"{text.ToStringAndReset()} | {string.Join(' ', inputs)}";
    }
}
