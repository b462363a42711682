using Emu.Ir;
using Iced.Intel;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Baseline;

/// <summary>Flags: the guest's instruction is done again on copies of its operands, and the host's flags are stored.</summary>
public sealed partial class BaselineCompiler
{
    static readonly (Flag Flag, Cc Condition)[] stored = [(Flag.O, Cc.O), (Flag.S, Cc.S), (Flag.Z, Cc.E), (Flag.P, Cc.P), (Flag.C, Cc.B)];

    void WriteFlags(Detail.FlagWrite w, IrType t, Inst i)
    {
        if (w.Live == Flag.None) return;
        bool computes = w.Rule is not (FlagRule.Logic or FlagRule.Result);
        if (computes) Again(w.Rule, t.Bits, Arg(i, 0), Arg(i, 1), Arg(i, 2));
        else
        {
            int r = InRegister(i.Args[2], Rax);
            code.Add(Instruction.Create(Code.Test_rm8_r8 + SizeIndex(t.Bits), Sized(r, t.Bits), Sized(r, t.Bits)));
        }
        const int set = 0x190;
        foreach (var (flag, condition) in stored) if ((w.Live & flag) != 0) code.OnState(set + (int)condition, 0, (int)FlagByte(flag).Displacement, 32);
        if ((w.Live & Flag.A) == 0) return;
        if (!computes) { StoreConstant(FlagByte(Flag.A), 0, 1); return; }
        const int adjust = 4, high = 8;
        code.Add(Instruction.Create(Code.Lahf));
        code.Add(Instruction.Create(Code.Shr_rm32_imm8, R32(Rax), high + adjust));
        code.Add(Instruction.Create(Code.And_rm32_imm8, R32(Rax), 1));
        StoreScalar(FlagByte(Flag.A), Rax, 1);
    }

    /// <summary>For adc and sbb the carry that came in is where the lowest bits say it: sum = a ^ b ^ carry.</summary>
    void Again(FlagRule rule, int bits, Operand a, Operand b, Operand r)
    {
        if (rule is FlagRule.Adc or FlagRule.Sbb)
        {
            Move(Rdx, a);
            Compute(Alu.Xor, Rdx, b, bits > 32);
            Compute(Alu.Xor, Rdx, r, bits > 32);
        }
        int left = rule == FlagRule.Sub && a.IsRegister ? a.Register : Rax;
        Move(left, a);
        int right = b.IsRegister ? b.Register : Rcx;
        Move(right, b);
        if (rule is FlagRule.Adc or FlagRule.Sbb) code.Add(Instruction.Create(Code.Shr_rm32_1, R32(Rdx), 1));
        Exact(rule switch { FlagRule.Add => Alu.Add, FlagRule.Adc => Alu.Adc, FlagRule.Sbb => Alu.Sbb, _ => Alu.Cmp }, left, right, bits);
    }

    void Condition(int d, Cc cc)
    {
        void Start(Flag f) => LoadScalar(d, FlagByte(f), 1);
        void With(Code op, Flag f) => code.Add(Instruction.Create(op, R8(d), FlagByte(f)));
        switch ((int)cc >> 1)
        {
            case 0: Start(Flag.O); break;
            case 1: Start(Flag.C); break;
            case 2: Start(Flag.Z); break;
            case 3: Start(Flag.C); With(Code.Or_r8_rm8, Flag.Z); break;
            case 4: Start(Flag.S); break;
            case 5: Start(Flag.P); break;
            case 6: Start(Flag.S); With(Code.Xor_r8_rm8, Flag.O); break;
            default: Start(Flag.S); With(Code.Xor_r8_rm8, Flag.O); With(Code.Or_r8_rm8, Flag.Z); break;
        }
        if (((int)cc & 1) == 1) code.Add(Instruction.Create(Code.Xor_rm32_imm8, R32(d), 1));
    }

    void Rflags(int d)
    {
        const int df = 10, always = 0x202;
        Constant(d, always);
        foreach (var (from, bit) in GuestState.FlagBytes.Select(f => (FlagByte(f.Flag), f.RflagsBit)).Append((Register(new("df")), df)))
        {
            LoadScalar(Rcx, from, 1);
            if (bit > 0) code.Add(Instruction.Create(Code.Shl_rm32_imm8, R32(Rcx), bit));
            Exact(Alu.Or, d, Rcx, 32);
        }
    }
}
