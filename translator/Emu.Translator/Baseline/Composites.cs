using Emu.Ir;
using Iced.Intel;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Baseline;

/// <summary>Operations without effects on vectors and on integers above 64 bits, which lie in the frame: lane by lane, where no host instruction is as simple.</summary>
public sealed partial class BaselineCompiler
{
    void Composite(Inst i)
    {
        switch (i.Op)
        {
            case Op.And or Op.Or or Op.Xor when i.Type.Bytes is 16 or 32 && i.Type.Bits >= 8: Whole(i); break;
            case Op.Add or Op.Sub when i.Type.IsVector && i.Type.Bytes is 16 or 32: Whole(i); break;
            case Op.Bits: Reinterpret(i); break;
            case Op.Extract: Scalar(i, d => LoadScalar(d, Frame(Wide(i.Args[0]) + Number(i) * Values.LaneBytes(i.Type)), Values.LaneBytes(i.Type))); break;
            case Op.Insert: Insert(i); break;
            case Op.Shuffle: Shuffle(i); break;
            case Op.Select when !i.Args[0].Type.IsVector: SelectWhole(i); break;
            case Op.Icmp when i.Args[0].Type is { IsVector: false, Bits: >= 128 }: CompareWords(i); break;
            case var _ when i.Type.Bits == 128 || i.Args.Any(a => a.Type.Bits == 128): Long(i); break;
            default: EachLane(i); break;
        }
    }

    static int Number(Inst i) => ((Detail.Lanes)i.Detail!).Numbers[0];

    /// <summary>One instruction for all lanes.</summary>
    void Whole(Inst i)
    {
        int bytes = i.Type.Bytes, a = Wide(i.Args[0]), b = Wide(i.Args[1]);
        var home = values.Take(i, at);
        int lane = i.Type.Bits switch { 8 => 0, 16 => 1, 32 => 2, _ => 3 };
        (Code narrow, Code wide) = i.Op switch
        {
            Op.And => (Code.VEX_Vpand_xmm_xmm_xmmm128, Code.VEX_Vpand_ymm_ymm_ymmm256),
            Op.Or => (Code.VEX_Vpor_xmm_xmm_xmmm128, Code.VEX_Vpor_ymm_ymm_ymmm256),
            Op.Xor => (Code.VEX_Vpxor_xmm_xmm_xmmm128, Code.VEX_Vpxor_ymm_ymm_ymmm256),
            Op.Add => lane switch { 0 => (Code.VEX_Vpaddb_xmm_xmm_xmmm128, Code.VEX_Vpaddb_ymm_ymm_ymmm256), 1 => (Code.VEX_Vpaddw_xmm_xmm_xmmm128, Code.VEX_Vpaddw_ymm_ymm_ymmm256), 2 => (Code.VEX_Vpaddd_xmm_xmm_xmmm128, Code.VEX_Vpaddd_ymm_ymm_ymmm256), _ => (Code.VEX_Vpaddq_xmm_xmm_xmmm128, Code.VEX_Vpaddq_ymm_ymm_ymmm256) },
            _ => lane switch { 0 => (Code.VEX_Vpsubb_xmm_xmm_xmmm128, Code.VEX_Vpsubb_ymm_ymm_ymmm256), 1 => (Code.VEX_Vpsubw_xmm_xmm_xmmm128, Code.VEX_Vpsubw_ymm_ymm_ymmm256), 2 => (Code.VEX_Vpsubd_xmm_xmm_xmmm128, Code.VEX_Vpsubd_ymm_ymm_ymmm256), _ => (Code.VEX_Vpsubq_xmm_xmm_xmmm128, Code.VEX_Vpsubq_ymm_ymm_ymmm256) },
        };
        VectorLoad(bytes, 0, Frame(a));
        code.Add(Instruction.Create(bytes > 16 ? wide : narrow, Vector(0, bytes), Vector(0, bytes), Frame(b)));
        VectorStore(bytes, Frame(home.Offset), 0);
    }

    /// <summary>The same bits; masks have a byte for each of theirs in the frame.</summary>
    void Reinterpret(Inst i)
    {
        IrType from = i.Args[0].Type;
        if (from.Bits < 8 && from.IsVector && Values.IsScalar(i.Type))
        {
            int mask = Wide(i.Args[0]);
            Scalar(i, d =>
            {
                Constant(Rdx, 0);
                for (int n = 0; n < from.Lanes; n++)
                {
                    LoadScalar(Rcx, Frame(mask + n), 1);
                    if (n > 0) code.Add(Instruction.Create(Code.Shl_rm64_imm8, R64(Rcx), n));
                    Exact(Alu.Or, Rdx, Rcx, 64);
                }
                Move(d, Operand.Of(Rdx));
            });
        }
        else if (from.Bits < 8 || i.Type.Bits < 8) throw NoEncoding(i);
        else if (Values.IsScalar(i.Type)) Scalar(i, d => LoadScalar(d, Frame(Wide(i.Args[0])), i.Type.Bytes));
        else
        {
            if (Values.IsScalar(from)) { var home = values.Take(i, at); StoreScalar(Frame(home.Offset), InRegister(i.Args[0], Rax), from.Bytes); }
            else { int source = Wide(i.Args[0]); var home = values.Take(i, at); Copy(n => Frame(home.Offset + n), n => Frame(source + n), i.Type.Bytes); }
        }
    }

    void Insert(Inst i)
    {
        int from = Wide(i.Args[0]), bytes = Values.LaneBytes(i.Type);
        var home = values.Take(i, at);
        Copy(n => Frame(home.Offset + n), n => Frame(from + n), Values.SizeOf(i.Type));
        if (bytes > 8) { int lane = Wide(i.Args[1]); Copy(n => Frame(home.Offset + Number(i) * bytes + n), n => Frame(lane + n), bytes); }
        else StoreScalar(Frame(home.Offset + Number(i) * bytes), InRegister(i.Args[1], Rax), bytes);
    }

    void Shuffle(Inst i)
    {
        int a = Wide(i.Args[0]), b = Wide(i.Args[1]), lanes = i.Args[0].Type.Lanes, bytes = Values.LaneBytes(i.Type);
        var home = values.Take(i, at);
        foreach (var (k, n) in ((Detail.Lanes)i.Detail!).Numbers.Index())
        {
            int to = home.Offset + k * bytes, from = n < lanes ? a + n * bytes : b + (n - lanes) * bytes;
            if (n >= 0) Copy(o => Frame(to + o), o => Frame(from + o), bytes);
            else for (int o = 0; o < bytes; o += 8) StoreConstant(Frame(to + o), 0, Math.Min(8, bytes));
        }
    }

    void SelectWhole(Inst i)
    {
        int then = Wide(i.Args[1]), otherwise = Wide(i.Args[2]), size = Values.SizeOf(i.Type), no = code.NewLabel(), done = code.NewLabel();
        Move(Rcx, Arg(i, 0));
        var home = values.Take(i, at);
        code.Add(Instruction.Create(Code.Test_rm32_r32, R32(Rcx), R32(Rcx)));
        code.Jump(Cc.E, no);
        Copy(n => Frame(home.Offset + n), n => Frame(then + n), size);
        code.Jump(done);
        code.Mark(no);
        Copy(n => Frame(home.Offset + n), n => Frame(otherwise + n), size);
        code.Mark(done);
    }

    void EachLane(Inst i)
    {
        var from = i.Args.Select(a => Values.IsScalar(a.Type) ? -1 : Wide(a)).ToArray();
        if (i.Args.Any(a => a.Type.Bits > 64) || i.Type.Bits > 64) throw NoEncoding(i);
        var home = values.Take(i, at);
        int bytes = Values.LaneBytes(i.Type);
        for (int lane = 0; lane < i.Type.Lanes; lane++)
        {
            Compute(i, Rax, i.Printed.Lane, Part(0), Part(1), Part(2));
            StoreScalar(Frame(home.Offset + lane * bytes), Rax, bytes);

            Operand Part(int n) => n >= from.Length ? default : from[n] < 0 ? Arg(i, n) : Operand.In(Frame(from[n] + lane * Values.LaneBytes(i.Args[n].Type)), Values.LaneBytes(i.Args[n].Type));
        }
    }

    // --- Integers of 128 bits ---

    /// <summary>In rax and rdx.</summary>
    void LoadPair(Value v)
    {
        if (v is Const c)
        {
            Constant(Rax, (ulong)c.Bits);
            Constant(Rdx, (ulong)(c.Bits >> 64));
            return;
        }
        LoadScalar(Rax, Frame(values.Of(v).Offset), 8);
        LoadScalar(Rdx, Frame(values.Of(v).Offset + 8), 8);
    }

    void StorePair(Inst i)
    {
        var home = values.Take(i, at);
        StoreScalar(Frame(home.Offset), Rax, 8);
        StoreScalar(Frame(home.Offset + 8), Rdx, 8);
    }

    void Long(Inst i)
    {
        if (i.Type.IsVector || i.Args.Any(a => a.Type.IsVector)) throw NoEncoding(i);
        switch (i.Op)
        {
            case Op.Trunc:
                Scalar(i, d =>
                {
                    LoadScalar(d, Frame(Wide(i.Args[0])), 8);
                    if (i.Type.Bits == 32) code.Add(Instruction.Create(Code.Mov_r32_rm32, R32(d), R32(d)));
                    else Normalise(d, i.Type.Bits);
                });
                return;
            case Op.Zext: Move(Rax, Arg(i, 0)); Constant(Rdx, 0); break;
            case Op.Sext:
                SignExtend(Rax, Arg(i, 0), i.Args[0].Type.Bits);
                Move(Rdx, Operand.Of(Rax));
                code.Add(Instruction.Create(Code.Sar_rm64_imm8, R64(Rdx), 63));
                break;
            case Op.Add or Op.Sub:
                int other = Wide(i.Args[1]);
                LoadPair(i.Args[0]);
                code.Add(Instruction.Create(i.Op == Op.Add ? Code.Add_r64_rm64 : Code.Sub_r64_rm64, R64(Rax), Frame(other)));
                code.Add(Instruction.Create(i.Op == Op.Add ? Code.Adc_r64_rm64 : Code.Sbb_r64_rm64, R64(Rdx), Frame(other + 8)));
                break;
            case Op.Mul: Multiply(i); break;
            case Op.Shl or Op.Shr or Op.Sar when i.Args[1] is Const count: LoadPair(i.Args[0]); ShiftPair(i.Op, (int)count.Bits); break;
            case Op.Div or Op.Idiv when i.Printed.Bits == 64: DivideInPlace(i.Op == Op.Idiv, Arg(i, 0), Arg(i, 1), Arg(i, 2), 64); break;
            default: throw NoEncoding(i);
        }
        StorePair(i);
    }

    /// <summary>Equality of integers of two or four words.</summary>
    void CompareWords(Inst i)
    {
        var p = ((Detail.Comparison)i.Detail!).Predicate;
        if (p is not (Predicate.Eq or Predicate.Ne)) throw NoEncoding(i);
        int a = Wide(i.Args[0]), b = Wide(i.Args[1]);
        Constant(Rdx, 0);
        for (int n = 0; n < i.Args[0].Type.Bytes; n += 8)
        {
            LoadScalar(Rcx, Frame(a + n), 8);
            code.Add(Instruction.Create(Code.Xor_r64_rm64, R64(Rcx), Frame(b + n)));
            Exact(Alu.Or, Rdx, Rcx, 64);
        }
        Scalar(i, d =>
        {
            code.Add(Instruction.Create(Code.Test_rm64_r64, R64(Rdx), R64(Rdx)));
            SetFrom(SetCode(p), d);
        });
    }

    /// <summary>The low 128 bits: low * low, and the two mixed products above.</summary>
    void Multiply(Inst i)
    {
        int a = Wide(i.Args[0]), b = Wide(i.Args[1]);
        LoadScalar(Rcx, Frame(a + 8), 8);
        code.Add(Instruction.Create(Code.Imul_r64_rm64, R64(Rcx), Frame(b)));
        LoadScalar(Rsi, Frame(b + 8), 8);
        code.Add(Instruction.Create(Code.Imul_r64_rm64, R64(Rsi), Frame(a)));
        Exact(Alu.Add, Rcx, Rsi, 64);
        LoadScalar(Rax, Frame(a), 8);
        code.Add(Instruction.Create(Code.Mul_rm64, Frame(b)));
        Exact(Alu.Add, Rdx, Rcx, 64);
    }

    void ShiftPair(Op op, int count)
    {
        if (op == Op.Shl)
        {
            if (count >= 64) { Move(Rdx, Operand.Of(Rax)); Constant(Rax, 0); }
            else code.Add(Instruction.Create(Code.Shld_rm64_r64_imm8, R64(Rdx), R64(Rax), count));
            if (count % 64 != 0) code.Add(Instruction.Create(Code.Shl_rm64_imm8, R64(count >= 64 ? Rdx : Rax), count % 64));
            return;
        }
        if (count < 64) code.Add(Instruction.Create(Code.Shrd_rm64_r64_imm8, R64(Rax), R64(Rdx), count));
        else
        {
            Move(Rax, Operand.Of(Rdx));
            if (op == Op.Shr) Constant(Rdx, 0);
            else code.Add(Instruction.Create(Code.Sar_rm64_imm8, R64(Rdx), 63));
        }
        if (count % 64 != 0) code.Add(Instruction.Create(op == Op.Shr ? Code.Shr_rm64_imm8 : Code.Sar_rm64_imm8, R64(count >= 64 ? Rax : Rdx), count % 64));
    }
}
