using Emu.Ir;
using Iced.Intel;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Baseline;

/// <summary>Operations without effects on scalars: at most 64 bits, in a register, zero-extended.</summary>
public sealed partial class BaselineCompiler
{
    /// <summary>Two-operand arithmetic in the order of its encodings (Intel SDM vol. 2, table A-6); the codes of each size follow one another.</summary>
    enum Alu { Add, Or, Adc, Sbb, And, Sub, Xor, Cmp }

    static readonly Code[] numbers32 = [Code.Add_rm32_imm32, Code.Or_rm32_imm32, Code.Adc_rm32_imm32, Code.Sbb_rm32_imm32, Code.And_rm32_imm32, Code.Sub_rm32_imm32, Code.Xor_rm32_imm32, Code.Cmp_rm32_imm32];
    static readonly Code[] numbers64 = [Code.Add_rm64_imm32, Code.Or_rm64_imm32, Code.Adc_rm64_imm32, Code.Sbb_rm64_imm32, Code.And_rm64_imm32, Code.Sub_rm64_imm32, Code.Xor_rm64_imm32, Code.Cmp_rm64_imm32];
    static readonly Code[] short32 = [Code.Add_rm32_imm8, Code.Or_rm32_imm8, Code.Adc_rm32_imm8, Code.Sbb_rm32_imm8, Code.And_rm32_imm8, Code.Sub_rm32_imm8, Code.Xor_rm32_imm8, Code.Cmp_rm32_imm8];
    static readonly Code[] short64 = [Code.Add_rm64_imm8, Code.Or_rm64_imm8, Code.Adc_rm64_imm8, Code.Sbb_rm64_imm8, Code.And_rm64_imm8, Code.Sub_rm64_imm8, Code.Xor_rm64_imm8, Code.Cmp_rm64_imm8];

    static int SizeIndex(int bits) => bits switch { 8 => 0, 16 => 1, 32 => 2, _ => 3 };

    static Register Sized(int n, int bits) => bits switch { 8 => R8(n), 16 => R16(n), 32 => R32(n), _ => R64(n) };

    /// <summary>d = d OP b of exactly so many bits (8, 16, 32, 64), both registers; the flags are those of the guest's instruction.</summary>
    void Exact(Alu op, int d, int b, int bits) => code.OnRegisters(8 * (int)op + (bits == 8 ? 2 : 3), d, b, bits);

    /// <summary>d = d OP b in 32 or 64 bits.</summary>
    void Compute(Alu op, int d, Operand b, bool wide)
    {
        if (b.IsConstant)
        {
            long number = wide ? (long)b.Number : (int)(uint)b.Number;
            if (number == (sbyte)number) code.Add(Instruction.Create((wide ? short64 : short32)[(int)op], wide ? R64(d) : R32(d), (int)number));
            else if (number == (int)number) code.Add(Instruction.Create((wide ? numbers64 : numbers32)[(int)op], wide ? R64(d) : R32(d), (int)number));
            else { Constant(Rsi, b.Number); Exact(op, d, Rsi, 64); }
            return;
        }
        if (b.IsRegister) Exact(op, d, b.Register, wide ? 64 : 32);
        else { Move(Rsi, b); Exact(op, d, Rsi, wide ? 64 : 32); }
    }

    /// <summary>Clears what is above the type's bits.</summary>
    void Normalise(int d, int bits)
    {
        if (bits == 8) code.Add(Instruction.Create(Code.Movzx_r32_rm8, R32(d), R8(d)));
        else if (bits == 16) code.Add(Instruction.Create(Code.Movzx_r32_rm16, R32(d), R16(d)));
        else if (bits < 32) code.Add(Instruction.Create(Code.And_rm32_imm8, R32(d), bits < 8 ? (1 << bits) - 1 : throw new NoEncodingException($"i{bits}")));
    }

    /// <summary>d = a with its sign in all 64 bits.</summary>
    void SignExtend(int d, Operand a, int bits)
    {
        Move(d, a);
        if (bits == 8) code.Add(Instruction.Create(Code.Movsx_r64_rm8, R64(d), R8(d)));
        else if (bits == 16) code.Add(Instruction.Create(Code.Movsx_r64_rm16, R64(d), R16(d)));
        else if (bits == 32) code.Add(Instruction.Create(Code.Movsxd_r64_rm32, R64(d), R32(d)));
        else if (bits == 1) code.Add(Instruction.Create(Code.Neg_rm64, R64(d)));
        else if (bits != 64) throw new NoEncodingException($"i{bits}");
    }

    void Pure(Inst i)
    {
        if (!Values.IsScalar(i.Type) || i.Args.Any(a => !Values.IsScalar(a.Type))) Composite(i);
        else Scalar(i, d => Compute(i, d, i.Printed, i.Args.Length > 0 ? Arg(i, 0) : default, i.Args.Length > 1 ? Arg(i, 1) : default, i.Args.Length > 2 ? Arg(i, 2) : default));
    }

    /// <summary>One lane, or a scalar: d = OP(a, b, c). d is no register of b or c; rcx, rdx and rsi are free, and rdi where the operation takes a register for it.</summary>
    void Compute(Inst i, int d, IrType t, Operand a, Operand b, Operand c)
    {
        int bits = t.Bits;
        bool wide = bits > 32;
        switch (i.Op)
        {
            case Op.Add or Op.Sub:
                Move(d, a);
                Compute(i.Op == Op.Add ? Alu.Add : Alu.Sub, d, b, wide);
                Normalise(d, bits);
                break;
            case Op.And or Op.Or or Op.Xor:
                Move(d, a);
                Compute(i.Op == Op.And ? Alu.And : i.Op == Op.Or ? Alu.Or : Alu.Xor, d, b, wide);
                break;
            case Op.Mul:
                Move(d, a);
                Move(Rcx, b);
                code.Add(wide ? Instruction.Create(Code.Imul_r64_rm64, R64(d), R64(Rcx)) : Instruction.Create(Code.Imul_r32_rm32, R32(d), R32(Rcx)));
                Normalise(d, bits);
                break;
            case Op.Shl or Op.Shr or Op.Sar: Shift(i.Op, d, a, b, bits); break;
            case Op.Fshl or Op.Fshr: FunnelShift(i.Op == Op.Fshl, d, a, b, c, bits); break;
            case Op.Div or Op.Idiv: Divide(i.Op == Op.Idiv, d, a, b, c, bits); break;
            case Op.Popcnt: Move(Rcx, a); code.Add(Instruction.Create(Code.Popcnt_r64_rm64, R64(d), R64(Rcx))); break;
            case Op.Ctlz:
                Move(Rcx, a);
                code.Add(Instruction.Create(Code.Lzcnt_r64_rm64, R64(d), R64(Rcx)));
                if (bits < 64) Compute(Alu.Sub, d, Operand.Constant((ulong)(64 - bits)), wide: false);
                break;
            case Op.Cttz:
                Move(Rcx, a);
                if (bits < 64) code.Add(Instruction.Create(Code.Bts_rm64_imm8, R64(Rcx), bits));
                code.Add(Instruction.Create(Code.Tzcnt_r64_rm64, R64(d), R64(Rcx)));
                break;
            case Op.Bswap when bits == 64: Move(d, a); code.Add(Instruction.Create(Code.Bswap_r64, R64(d))); break;
            case Op.Bswap:
                Move(d, a);
                code.Add(Instruction.Create(Code.Bswap_r32, R32(d)));
                if (bits == 16) code.Add(Instruction.Create(Code.Shr_rm32_imm8, R32(d), 16));
                break;
            case Op.Umin or Op.Umax or Op.Smin or Op.Smax: Choose(i.Op, d, a, b, bits); break;
            case Op.Icmp: Compare(((Detail.Comparison)i.Detail!).Predicate, d, a, b, bits); break;
            case Op.Fcmp: CompareFloats(((Detail.Comparison)i.Detail!).Predicate, d, a, b, bits); break;
            case Op.Select:
                Move(Rcx, a);
                Move(Rdx, b);
                Move(d, c);
                code.Add(Instruction.Create(Code.Test_rm32_r32, R32(Rcx), R32(Rcx)));
                code.Add(Instruction.Create(Code.Cmovne_r64_rm64, R64(d), R64(Rdx)));
                break;
            case Op.Zext: Move(d, a); break;
            case Op.Bits when i.Args[0].Type.TotalBits == i.Type.TotalBits: Move(d, a); break;
            case Op.Sext:
                SignExtend(d, a, i.Args[0].Type.Bits);
                if (bits == 32) code.Add(Instruction.Create(Code.Mov_r32_rm32, R32(d), R32(d)));
                else Normalise(d, bits);
                break;
            case Op.Trunc:
                Move(d, a);
                if (bits == 32) code.Add(Instruction.Create(Code.Mov_r32_rm32, R32(d), R32(d)));
                else Normalise(d, bits);
                break;
            default: throw NoEncoding(i);
        }
    }

    static readonly Code[] shiftsByNumber = [Code.Shl_rm32_imm8, Code.Shl_rm64_imm8, Code.Shr_rm32_imm8, Code.Shr_rm64_imm8, Code.Sar_rm32_imm8, Code.Sar_rm64_imm8];
    static readonly Code[] shiftsByCl = [Code.Shl_rm32_CL, Code.Shl_rm64_CL, Code.Shr_rm32_CL, Code.Shr_rm64_CL, Code.Sar_rm32_CL, Code.Sar_rm64_CL];

    void Shift(Op op, int d, Operand a, Operand count, int bits)
    {
        if (!count.IsConstant) Move(Rcx, count); // d may be the operand's register
        if (op == Op.Sar) SignExtend(d, a, bits);
        else Move(d, a);
        bool wide = bits > 32;
        int form = 2 * (op - Op.Shl) + (wide ? 1 : 0);
        Register r = wide ? R64(d) : R32(d);
        code.Add(count.IsConstant ? Instruction.Create(shiftsByNumber[form], r, (int)count.Number) : Instruction.Create(shiftsByCl[form], r, Iced.Intel.Register.CL));
        if (op != Op.Shr) Normalise(d, bits);
    }

    void FunnelShift(bool left, int d, Operand high, Operand low, Operand count, int bits)
    {
        Move(Rcx, count);
        Move(Rdx, low);
        if (bits < 32)
        {
            Move(d, high);
            code.Add(Instruction.Create(Code.Shl_rm64_imm8, R64(d), bits));
            Exact(Alu.Or, d, Rdx, 64);
            code.Add(Instruction.Create(left ? Code.Shl_rm64_CL : Code.Shr_rm64_CL, R64(d), Iced.Intel.Register.CL));
            if (left) code.Add(Instruction.Create(Code.Shr_rm64_imm8, R64(d), bits));
            Normalise(d, bits);
            return;
        }
        bool wide = bits > 32;
        if (left)
        {
            Move(d, high);
            code.Add(Instruction.Create(wide ? Code.Shld_rm64_r64_CL : Code.Shld_rm32_r32_CL, Sized(d, bits), Sized(Rdx, bits), Iced.Intel.Register.CL));
            return;
        }
        Move(Rsi, high);
        Move(d, Operand.Of(Rdx));
        code.Add(Instruction.Create(wide ? Code.Shrd_rm64_r64_CL : Code.Shrd_rm32_r32_CL, Sized(d, bits), Sized(Rsi, bits), Iced.Intel.Register.CL));
    }

    /// <summary>The CPU's own, which faults as the guest's does. Remainder above quotient, of at most 64 bits together.</summary>
    void Divide(bool signed, int d, Operand high, Operand low, Operand divisor, int bits)
    {
        DivideInPlace(signed, high, low, divisor, bits);
        if (bits == 8)
        {
            code.Add(Instruction.Create(Code.Movzx_r32_rm16, R32(d), R16(Rax)));
            return;
        }
        if (bits == 16)
        {
            Normalise(Rax, 16);
            Normalise(Rdx, 16);
        }
        code.Add(Instruction.Create(Code.Shl_rm64_imm8, R64(Rdx), bits));
        Exact(Alu.Or, Rax, Rdx, 64);
        Move(d, Operand.Of(Rax));
    }

    static readonly Code[] divisions = [Code.Div_rm8, Code.Idiv_rm8, Code.Div_rm16, Code.Idiv_rm16, Code.Div_rm32, Code.Idiv_rm32, Code.Div_rm64, Code.Idiv_rm64];

    /// <summary>Quotient in rax, remainder in rdx; of bytes both in ax.</summary>
    void DivideInPlace(bool signed, Operand high, Operand low, Operand divisor, int bits)
    {
        Move(Rcx, divisor);
        Move(Rdx, high);
        Move(Rax, low);
        if (bits == 8)
        {
            code.Add(Instruction.Create(Code.Shl_rm32_imm8, R32(Rdx), 8));
            Exact(Alu.Or, Rax, Rdx, 32);
        }
        code.Add(Instruction.Create(divisions[2 * SizeIndex(bits) + (signed ? 1 : 0)], Sized(Rcx, bits)));
    }

    void Choose(Op op, int d, Operand a, Operand b, int bits)
    {
        if (op is Op.Smin or Op.Smax) { SignExtend(Rdx, b, bits); SignExtend(d, a, bits); }
        else { Move(Rdx, b); Move(d, a); }
        Exact(Alu.Cmp, d, Rdx, 64);
        code.Add(Instruction.Create(op switch { Op.Umin => Code.Cmova_r64_rm64, Op.Umax => Code.Cmovb_r64_rm64, Op.Smin => Code.Cmovg_r64_rm64, _ => Code.Cmovl_r64_rm64 }, R64(d), R64(Rdx)));
        if (op is not (Op.Smin or Op.Smax)) return;
        if (bits == 32) code.Add(Instruction.Create(Code.Mov_r32_rm32, R32(d), R32(d)));
        else Normalise(d, bits);
    }

    static Code SetCode(Predicate p) => p switch
    {
        Predicate.Eq => Code.Sete_rm8,
        Predicate.Ne => Code.Setne_rm8,
        Predicate.Ult => Code.Setb_rm8,
        Predicate.Ule => Code.Setbe_rm8,
        Predicate.Ugt => Code.Seta_rm8,
        Predicate.Uge => Code.Setae_rm8,
        Predicate.Slt => Code.Setl_rm8,
        Predicate.Sle => Code.Setle_rm8,
        Predicate.Sgt => Code.Setg_rm8,
        Predicate.Sge => Code.Setge_rm8,
        _ => throw new NoEncodingException($"icmp.{p}"),
    };

    void Compare(Predicate p, int d, Operand a, Operand b, int bits)
    {
        if (p >= Predicate.Slt && bits is not (32 or 64))
        {
            SignExtend(Rdx, b, bits);
            SignExtend(Rcx, a, bits);
            Exact(Alu.Cmp, Rcx, Rdx, 64);
        }
        else
        {
            int left = a.IsRegister ? a.Register : Rcx;
            Move(left, a);
            Compute(Alu.Cmp, left, b, bits > 32);
        }
        SetFrom(SetCode(p), d);
    }

    void SetFrom(Code set, int d)
    {
        code.Add(Instruction.Create(set, R8(d)));
        code.Add(Instruction.Create(Code.Movzx_r32_rm8, R32(d), R8(d)));
    }

    void CompareFloats(Predicate p, int d, Operand a, Operand b, int bits)
    {
        Move(Rcx, a);
        Move(Rdx, b);
        bool wide = bits == 64;
        foreach (var (v, r) in new[] { (0, Rcx), (1, Rdx) })
            code.Add(wide ? Instruction.Create(Code.VEX_Vmovq_xmm_rm64, Vector(v, 16), R64(r)) : Instruction.Create(Code.VEX_Vmovd_xmm_rm32, Vector(v, 16), R32(r)));
        code.Add(Instruction.Create(wide ? Code.VEX_Vcmpsd_xmm_xmm_xmmm64_imm8 : Code.VEX_Vcmpss_xmm_xmm_xmmm32_imm8, Vector(0, 16), Vector(0, 16), Vector(1, 16), Interpreter.NumberOf(p)));
        code.Add(Instruction.Create(Code.VEX_Vmovd_rm32_xmm, R32(d), Vector(0, 16)));
        code.Add(Instruction.Create(Code.And_rm32_imm8, R32(d), 1));
    }
}
