using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>All of x87 (Intel SDM vol. 1, chapter 8).</summary>
/// <remarks>
/// The guest's x87 unit is the host's: the stack, the control, status and tag words, the pointers and pending exceptions live there and
/// nowhere else. An instruction is handed to the host as it is; only operands in memory and flags need words.
/// </remarks>
static class X87
{
    /// <summary>Images of more than 10 bytes: the core makes them (<see cref="Emu.Ir.StateImage"/>).</summary>
    static readonly Mnemonic[] environments = [Fnstenv, Fldenv, Fnsave, Frstor];

    public static void Define(Rules r)
    {
        foreach (var m in (Mnemonic[])[Fld, Fild, Fbld, Fldcw, Fadd, Fmul, Fsub, Fsubr, Fdiv, Fdivr, Fiadd, Fimul, Fisub, Fisubr, Fidiv, Fidivr, Fcom, Fcomp, Ficom, Ficomp])
            r[m] = x => { if (x.Instruction.OpCount > 0 && x.IsMemory(0)) x.FromMemory(); else x.AsItIs(); };
        foreach (var m in (Mnemonic[])[Fst, Fstp, Fist, Fistp, Fisttp, Fbstp, Fnstcw, Fnstsw])
            r[m] = x => { if (x.IsMemory(0)) x.ToMemory(); else if (x.Instruction.Mnemonic == Fnstsw) x.Write(0, x.E.Host("fnstsw ax", I16)); else x.AsItIs(); };
        foreach (var m in (Mnemonic[])[Fldz, Fld1, Fldpi, Fldl2t, Fldl2e, Fldlg2, Fldln2, Fstpnce, Fxch, Faddp, Fmulp, Fsubp, Fsubrp, Fdivp, Fdivrp, Fcompp, Fucom, Fucomp, Fucompp,
            Ftst, Fxam, Fsqrt, Fchs, Fabs, Frndint, Fscale, Fxtract, Fprem, Fprem1, F2xm1, Fyl2x, Fyl2xp1, Fpatan, Fptan, Fsin, Fcos, Fsincos,
            Fincstp, Fdecstp, Ffree, Ffreep, Fnop, Wait, Fnclex, Fninit, Fneni, Fndisi, Fnsetpm]) r[m] = AsItIs;
        foreach (var m in (Mnemonic[])[Fcomi, Fcomip, Fucomi, Fucomip]) r[m] = CompareToFlags;
        foreach (var (m, cc) in new[] { (Fcmovb, Cc.B), (Fcmove, Cc.E), (Fcmovbe, Cc.Be), (Fcmovu, Cc.P), (Fcmovnb, Cc.Ae), (Fcmovne, Cc.Ne), (Fcmovnbe, Cc.A), (Fcmovnu, Cc.Np) })
            r[m] = x => x.E.Host($"test $0,$0;{Bytes(0xdb, 0xc8 + (x.Instruction.Op1Register - Register.ST0))}", I8, x.E.Cond(cc).Zext(I8)); // fcmovne
        foreach (var m in environments) r[m] = x => x.MakeImage(x.Name() + (x.Instruction.MemorySize is MemorySize.FpuEnv14 or MemorySize.FpuState94 ? "16" : ""));
    }

    public static string Name(this Lift x) => x.Instruction.Mnemonic.ToString().ToLowerInvariant();

    /// <summary>An instruction without operands outside of the x87 and MMX: the guest's own bytes.</summary>
    public static void AsItIs(this Lift x) => x.E.Host(x.Encoded(), I64);

    static string Encoded(this Lift x)
    {
        var bytes = new Code();
        Encoder.Create(64, bytes).Encode(x.Instruction, x.Instruction.IP);
        return Bytes([.. bytes.All]);
    }

    sealed class Code : CodeWriter
    {
        public readonly List<int> All = [];
        public override void WriteByte(byte value) => All.Add(value);
    }

    static string Bytes(params ReadOnlySpan<int> all) => ".byte " + string.Join(',', all.ToArray().Select(b => $"0x{b:x2}"));

    static void FromMemory(this Lift x)
    {
        var t = x.MemoryType();
        x.E.Host($"{x.Name()} {Size(t)} ptr $0", t, x.Read(0, t));
    }

    /// <summary>The address comes first: nothing may stand between a value that the host's instruction gives and its store.</summary>
    static void ToMemory(this Lift x)
    {
        var t = x.MemoryType();
        x.Address(0);
        x.Write(0, x.E.Host($"{x.Name()} {Size(t)} ptr $0", t));
    }

    static IrType MemoryType(this Lift x) => x.Instruction.MemorySize switch { MemorySize.Float32 => F32, MemorySize.Float64 => F64, var m => Int(8 * m.GetSize()) };

    public static string Size(IrType t) => t.Bytes switch { 2 => "word", 4 => "dword", 8 => "qword", 10 => "tbyte", _ => "xmmword" };

    /// <summary>fcomi and its like set z, p and c, and clear the others: lahf brings them (Intel SDM vol. 2, FCOMI).</summary>
    static void CompareToFlags(Lift x)
    {
        V ah = x.E.Host($"{x.Encoded()};lahf", I16) >> 8;
        x.Comparison((ah >> 6).Trunc(I1), (ah >> 2).Trunc(I1), ah.Trunc(I1));
    }

    /// <summary>An image that the core's <paramref name="form"/> stores or loads at the memory operand.</summary>
    public static void MakeImage(this Lift x, string form)
    {
        x.E.Set("operand", x.Linear(0));
        x.E.Helper(form);
    }
}
