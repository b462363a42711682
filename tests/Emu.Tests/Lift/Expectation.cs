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

    /// <summary>The x87 condition codes that an instruction defines (C1 is never kept).</summary>
    public static ulong Codes(in Instruction i) => i.Mnemonic switch
    {
        Mnemonic.Fcom or Mnemonic.Fcomp or Mnemonic.Fcompp or Mnemonic.Fucom or Mnemonic.Fucomp or Mnemonic.Fucompp or Mnemonic.Ficom or Mnemonic.Ficomp or Mnemonic.Ftst => 0x4500,
        Mnemonic.Fprem or Mnemonic.Fprem1 or Mnemonic.Fxam or Mnemonic.Fldenv or Mnemonic.Frstor or Mnemonic.Fninit => 0x4700,
        Mnemonic.Fsin or Mnemonic.Fcos or Mnemonic.Fsincos or Mnemonic.Fptan => 0x400,
        _ => i.Mnemonic.ToString()[0] == 'F' ? 0u : 0x4700,
    };

    /// <summary>
    /// LLVM takes fadd and fmul for commutative, the CPU gives the first of two NaNs: so which of them comes out is not compared.
    /// </summary>
    public static void ForgetNaNs(in Instruction i, params ReadOnlySpan<Machine> machines)
    {
        string name = i.Mnemonic.ToString().ToLowerInvariant().TrimStart('v');
        if (!name.StartsWith("add", StringComparison.Ordinal) && !name.StartsWith("mul", StringComparison.Ordinal) && !name.StartsWith("hadd", StringComparison.Ordinal) || !i.Op0Register.IsVectorRegister()) return;
        int at = GuestState.Offset(Lifter.Full(i.Op0Register)), step = name[^1] == 's' ? 4 : 8;
        foreach (var m in machines)
            for (int n = 0; n < 32; n += step)
            {
                var lane = m.State.Bytes.AsSpan(at + n, step);
                if (step == 4 ? float.IsNaN(BitConverter.ToSingle(lane)) : double.IsNaN(BitConverter.ToDouble(lane))) lane.Fill(0xff);
            }
    }

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
