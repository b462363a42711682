using Emu.Ir;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Straight-line blocks whose accesses are good and whose results are all defined: what they find is the interplay of instructions.</summary>
sealed class Blocks
{
    const int Least = 5, Most = 30;

    /// <summary>Addresses are made of these, which no instruction writes (but push, pop and string instructions step on).</summary>
    static readonly Register[] pointers = [Register.RBX, Register.RSI, Register.RDI, Register.RSP];

    readonly Dice dice;
    readonly Samples samples;
    readonly Inputs inputs;
    readonly InstructionInfoFactory infos = new();

    public Blocks(Dice dice) => (this.dice, samples, inputs) = (dice, new(dice, pointers, near: true), new(dice));

    static readonly Code[] codes = [.. Samples.Codes.Where(c => !IsExcluded(c.Mnemonic()))];

    /// <summary>What goes elsewhere, loads control words from noise, uses another register as a pointer, or faults mostly.</summary>
    static bool IsExcluded(Mnemonic m) => m is Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr or Mnemonic.Fldcw or Mnemonic.Fldenv or Mnemonic.Frstor or Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Popf or Mnemonic.Popfq
        or Mnemonic.Enter or Mnemonic.Leave or Mnemonic.Div or Mnemonic.Idiv or Mnemonic.Xlatb or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu or Mnemonic.Maskmovq or Mnemonic.Ud2 or Mnemonic.Int3 or Mnemonic.Int1
        or Mnemonic.Fnstenv or Mnemonic.Fnsave or Mnemonic.Fnstsw or Mnemonic.Fxsave or Mnemonic.Fxsave64 or Mnemonic.Xrstor or Mnemonic.Xrstor64 or Mnemonic.Xsave or Mnemonic.Xsave64 or Mnemonic.Xsaveopt or Mnemonic.Xsaveopt64 or Mnemonic.Xsavec or Mnemonic.Xsavec64 or Mnemonic.Wrfsbase or Mnemonic.Wrgsbase;

    public Case Make()
    {
        int length = dice.Next(Least, Most + 1);
        var code = new List<byte>();
        var undefined = Flag.None;
        for (int tries = 0; length > 0 && tries < 2000; tries++)
        {
            var pick = codes[dice.Next(codes.Length)];
            if (samples.Make(pick, dice.OneIn(2)) is not var (i, bytes) || !Fits(i, undefined) || Traps(bytes)) continue;
            code.AddRange(bytes);
            undefined = (Expectation.IsConditional(i) ? undefined : undefined & ~Expectation.Map(i.RflagsModified)) | Expectation.Map(i.RflagsUndefined);
            length--;
        }
        return new(new([.. code], dice.OneIn(2)));
    }

    static bool Traps(byte[] code) => new Subject(code, true).Lift().Blocks.Any(b => b.Terminator.Op == Op.Trap);

    bool Fits(in Instruction i, Flag undefined)
    {
        if (i.FlowControl != FlowControl.Next || i.HasRepePrefix || i.HasRepnePrefix || i.IsVsib || i.IsIPRelativeMemoryOperand) return false;
        if ((Expectation.Map(i.RflagsRead) & undefined) != 0 || i.Mnemonic is Mnemonic.Pushf or Mnemonic.Pushfq or Mnemonic.Lahf && undefined != 0) return false;
        if (i.Mnemonic is Mnemonic.Shld or Mnemonic.Shrd or Mnemonic.Bswap && i.Op0Register.IsGPR16() | i.MemorySize.GetSize() == 2) return false;
        if (i.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc && i.Op0Kind == OpKind.Memory && i.Op1Kind == OpKind.Register) return false;
        bool steps = i.IsStringInstruction || i.IsStackInstruction;
        foreach (var r in infos.GetInfo(i).GetUsedRegisters())
        {
            var full = r.Register.GetFullRegister();
            bool writes = r.Access is not (OpAccess.Read or OpAccess.CondRead or OpAccess.None or OpAccess.NoMemAccess);
            bool own = steps && (full == Register.RSP || full is Register.RSI or Register.RDI && i.IsStringInstruction);
            if (writes && pointers.Contains(full) && (!own || i.OpCount > 0 && i.Op0Kind == OpKind.Register && pointers.Contains(i.Op0Register.GetFullRegister()) && writes && i.Mnemonic is Mnemonic.Pop)) return false;
        }
        return true;
    }

    /// <summary>Pointers into the middle of memory, aligned so that aligned accesses at small multiples of 16 are good.</summary>
    public void Fill(Machine m, Case c)
    {
        inputs.Fill(m);
        foreach (var name in new[] { "rbx", "rsi", "rdi" }) m.State[name] = Machine.Middle - 0x400 + (ulong)dice.Next(64) * 32;
        m.State["rsp"] = Machine.Middle + 0x600;
        (m.State["fsbase"], m.State["gsbase"]) = ((ulong)dice.Next(4) * 32, (ulong)dice.Next(4) * 32);
    }
}
