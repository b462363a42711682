using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>x87 loads, stores, arithmetic and comparisons (Intel SDM vol. 1, 5.2).</summary>
/// <remarks>
/// st0 ... st7 are relative to ftop, so a push first moves ftop and then writes st0. ftag has one bit per physical register.
/// fsw holds the condition codes only: exception flags are the host's own (natives fnstsw, fnclex, fldstatus), the top is
/// ftop, and C1 (rounded up) is not kept. Stack overflow and underflow are not detected yet.
/// </remarks>
static class X87
{
    /// <summary>The condition codes as fsw holds them.</summary>
    public const int C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000;

    public static void Define(Rules r)
    {
        r[Fld] = x => x.PushFloat(x.Operand(0));
        r[Fild] = x => x.PushFloat(x.Read(0).Convert(Op.Sitofp, F80));
        r[Fldz] = x => x.PushFloat(x.E.ConstBits(F80, 0));
        r[Fld1] = x => x.PushFloat(x.E.ConstBits(F80, One));
        // Rounded as the control word says, so the host makes them.
        foreach (var m in new[] { Fldpi, Fldl2t, Fldl2e, Fldlg2, Fldln2 }) r[m] = x => x.PushFloat(x.E.Native(Name(m), F80, null));

        r[Fst] = x => x.StoreFloat();
        r[Fstp] = r[Fstpnce] = x => { x.StoreFloat(); x.Drop(); };
        r[Fist] = x => x.Write(0, x.E.Native("fistp", x.Type(0), null, x.St(0)));
        r[Fistp] = x => { x.Write(0, x.E.Native("fistp", x.Type(0), null, x.St(0))); x.Drop(); };
        r[Fisttp] = x => { x.Write(0, x.E.Native("fisttp", x.Type(0), null, x.St(0))); x.Drop(); };
        r[Fxch] = x => { int n = x.StNumber(x.Instruction.OpCount - 1); var (a, b) = (x.St(0), x.St(n)); x.SetSt(0, b); x.SetSt(n, a); };
        foreach (var (m, cc) in new[] { (Fcmovb, Cc.B), (Fcmove, Cc.E), (Fcmovbe, Cc.Be), (Fcmovu, Cc.P), (Fcmovnb, Cc.Ae), (Fcmovne, Cc.Ne), (Fcmovnbe, Cc.A), (Fcmovnu, Cc.Np) })
            r[m] = x => x.SetSt(0, x.E.Select(x.E.Cond(cc), x.St(x.StNumber(1)), x.St(0)));

        r.Arithmetic("add", Op.Fadd);
        r.Arithmetic("mul", Op.Fmul);
        r.Arithmetic("sub", Op.Fsub);
        r.Arithmetic("div", Op.Fdiv);
        r[Fsqrt] = x => x.SetSt(0, x.St(0).One(Op.Fsqrt));
        r[Fchs] = x => x.SetSt(0, x.E.Native("fchs", F80, null, x.St(0)));
        r[Fabs] = x => x.SetSt(0, x.E.Native("fabs", F80, null, x.St(0)));

        foreach (var m in new[] { Fcom, Fcomp, Fucom, Fucomp, Ficom, Ficomp })
            r[m] = x => { x.CompareToStatus(x.Operand(x.Instruction.OpCount - 1)); if (Name(m)[^1] == 'p') x.Drop(); };
        r[Fcompp] = r[Fucompp] = x => { x.CompareToStatus(x.St(1)); x.Drop(); x.Drop(); };
        r[Ftst] = x => x.CompareToStatus(x.E.ConstBits(F80, 0));
        foreach (var m in new[] { Fcomi, Fcomip, Fucomi, Fucomip })
            r[m] = x => { x.CompareToFlags(x.St(x.StNumber(1))); if (Name(m)[^1] == 'p') x.Drop(); };
    }

    static readonly UInt128 One = new(0x3fff, 1ul << 63);

    public static string Name(Mnemonic m) => m.ToString().ToLowerInvariant();

    public static V St(this Lift x, int n) => x.E.Get(F80, $"st{n}");
    public static void SetSt(this Lift x, int n, V v) => x.E.Set($"st{n}", v);

    /// <summary>The stack number that a register operand names.</summary>
    public static int StNumber(this Lift x, int op) => x.Instruction.GetOpRegister(op) - Register.ST0;

    /// <summary>An operand as the stack holds it: a register, or a float or integer in memory.</summary>
    static V Operand(this Lift x, int op) => x.IsRegister(op) ? x.St(x.StNumber(op)) : x.Instruction.MemorySize switch
    {
        MemorySize.Float32 => x.Read(op, F32).Convert(Op.Fconv, F80),
        MemorySize.Float64 => x.Read(op, F64).Convert(Op.Fconv, F80),
        MemorySize.Float80 => x.Read(op, F80),
        _ => x.Read(op).Convert(Op.Sitofp, F80),
    };

    /// <summary>Moves the top by <paramref name="step"/>.</summary>
    public static V Turn(this Lift x, int step)
    {
        V top = x.E.Get(I8, "ftop") + step & 7;
        x.E.Set("ftop", top);
        return top;
    }

    /// <summary>Says whether st(n) is in use.</summary>
    public static void Tag(this Lift x, int n, bool used)
    {
        V bit = x.E.Const(I8, 1L) << (x.E.Get(I8, "ftop") + n & 7), tags = x.E.Get(I8, "ftag");
        x.E.Set("ftag", used ? tags | bit : tags & ~bit);
    }

    public static void PushFloat(this Lift x, V v)
    {
        x.Turn(-1);
        x.SetSt(0, v);
        x.Tag(0, used: true);
    }

    /// <summary>Pops st0.</summary>
    public static void Drop(this Lift x)
    {
        x.Tag(0, used: false);
        x.Turn(1);
    }

    static void StoreFloat(this Lift x)
    {
        V v = x.St(0);
        if (x.IsRegister(0)) { x.SetSt(x.StNumber(0), v); x.Tag(x.StNumber(0), used: true); }
        else x.Write(0, v.Convert(Op.Fconv, x.Instruction.MemorySize switch { MemorySize.Float32 => F32, MemorySize.Float64 => F64, _ => F80 }));
    }

    /// <summary>All forms of one operation: f, fi (integer in memory), p (pops), and reversed where order matters.</summary>
    static void Arithmetic(this Rules r, string stem, Op op)
    {
        foreach (var name in new[] { $"f{stem}", $"fi{stem}", $"f{stem}p", $"f{stem}r", $"fi{stem}r", $"f{stem}rp" })
        {
            if (!Enum.TryParse<Mnemonic>(name, ignoreCase: true, out var m)) continue;
            bool pops = name[^1] == 'p', reversed = name.TrimEnd('p')[^1] == 'r';
            r[m] = x =>
            {
                int to = x.Instruction.OpCount == 1 ? 0 : x.StNumber(0);
                V a = x.St(to), b = x.Operand(x.Instruction.OpCount - 1);
                x.SetSt(to, reversed ? b.With(op, a) : a.With(op, b));
                if (pops) x.Drop();
            };
        }
    }

    /// <summary>C3 C2 C0: 000 above, 001 below, 100 equal, 111 unordered.</summary>
    static void CompareToStatus(this Lift x, V b)
    {
        V a = x.St(0);
        V Code(Predicate p, int bit) => a.Fcmp(p, b).Zext(I16) << System.Numerics.BitOperations.Log2((uint)bit);
        x.E.Set("fsw", Code(Predicate.Ueq, C3) | Code(Predicate.Uno, C2) | Code(Predicate.Fult, C0));
    }

    static void CompareToFlags(this Lift x, V b)
    {
        V a = x.St(0);
        x.Comparison(a.Fcmp(Predicate.Ueq, b), a.Fcmp(Predicate.Uno, b), a.Fcmp(Predicate.Fult, b));
    }
}
