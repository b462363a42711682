using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>Multiplication and division (Intel SDM vol. 2, MUL, IMUL, DIV, IDIV).</summary>
static class Multiply
{
    public static void Define(Rules r)
    {
        r[Mul] = x => x.Widening(Op.Zext);
        r[Imul] = x => { if (x.Instruction.OpCount == 1) x.Widening(Op.Sext); else x.Truncating(); };
        r[Div] = x => x.Divide(Op.Div);
        r[Idiv] = x => x.Divide(Op.Idiv);
    }

    static void Widening(this Lift x, Op extend)
    {
        var t = x.Type(0);
        var wide = Int(t.Bits * 2);
        V product = x.E.Get(t, "rax").Convert(extend, wide) * x.Read(0).Convert(extend, wide);
        V low = product.Trunc(t), high = (product >> t.Bits).Trunc(t);
        x.SetPair(low, high, product);
        Overflow(x, product, low.Convert(extend, wide), low);
    }

    static void Truncating(this Lift x)
    {
        var t = x.Type(0);
        var wide = Int(t.Bits * 2);
        int a = x.Instruction.OpCount == 2 ? 0 : 1;
        V product = x.Read(a).Sext(wide) * x.Read(a + 1, t).Sext(wide), low = product.Trunc(t);
        x.Write(0, low);
        Overflow(x, product, low.Sext(wide), low);
    }

    /// <summary>CF = OF = the product did not fit; the others are undefined and written so that nothing keeps them alive.</summary>
    static void Overflow(Lift x, V product, V fitted, V low)
    {
        V lost = product.Icmp(Predicate.Ne, fitted);
        x.E.Flags(FlagRule.Result, low, low, low, Flag.S | Flag.Z | Flag.A | Flag.P);
        x.E.SetFlag(Flag.C, lost);
        x.E.SetFlag(Flag.O, lost);
    }

    /// <summary>rdx:rax, or ax for bytes.</summary>
    static void SetPair(this Lift x, V low, V high, V both)
    {
        if (low.Type == I8) { x.E.Set("rax", both); return; }
        x.E.Set("rax", low.Type == I32 ? low.Zext(I64) : low);
        x.E.Set("rdx", high.Type == I32 ? high.Zext(I64) : high);
    }

    static void Divide(this Lift x, Op op)
    {
        var t = x.Type(0);
        V high = t == I8 ? x.E.Get(I8, "rax", at: 1) : x.E.Get(t, "rdx");
        V both = x.E.Emit(op, t, null, high, x.E.Get(t, "rax"), x.Read(0));
        V quotient = both.Trunc(t);
        x.SetPair(quotient, (both >> t.Bits).Trunc(t), both);
        x.E.Flags(FlagRule.Logic, quotient, quotient, quotient);
    }
}
