using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>MMX: registers mm0 to mm7 are the host's, as the x87 registers are that they share (Intel SDM vol. 1, 9.5). One rule for all.</summary>
static class Mmx
{
    public static void Define(Rules r)
    {
        r[Emms] = X87.AsItIs;
        foreach (var m in (Mnemonic[])[Pshufw, Movntq, Movq2dq, Movdq2q, Cvtpi2ps, Cvtpi2pd, Cvtps2pi, Cvttps2pi, Cvtpd2pi, Cvttpd2pi]) r[m] = Any;
        r[Maskmovq] = StoreMasked;
    }

    /// <summary>Whether an instruction has an operand in mm0 to mm7.</summary>
    public static bool Uses(in Instruction i)
    {
        for (int n = 0; n < i.OpCount; n++)
            if (i.GetOpKind(n) == OpKind.Register && i.GetOpRegister(n).IsMM()) return true;
        return false;
    }

    /// <summary>The host's instruction with its mm registers, and the other operands as values.</summary>
    public static void Any(Lift x)
    {
        var i = x.Instruction;
        bool plain = true, merges = i.Mnemonic == Cvtpi2ps;
        for (int n = 0; n < i.OpCount; n++) plain &= x.IsMm(n) || i.GetOpKind(n) == OpKind.Immediate8;
        if (plain) { x.AsItIs(); return; }
        var args = new List<V>();
        IrType result = x.IsMm(0) ? I64 : x.ResultType();
        if (x.IsMemory(0)) x.Address(0);
        if (merges) args.Add(x.Read(0, result));
        int next = x.IsMm(0) ? 0 : merges ? 2 : 1;
        var words = new List<string> { x.IsMm(0) ? Register(x, 0) : x.IsMemory(0) ? $"{X87.Size(result)} ptr $0" : "$0" };
        for (int n = 1; n < i.OpCount; n++) words.Add(x.Source(n, args, ref next));
        string text = $"{(merges ? "movaps $0,$1;" : "")}{x.Name()} {string.Join(',', words)}";
        V v = x.E.Host(text, x.IsMm(0) ? args[^1].Type : result, [.. args]);
        if (x.IsMm(0)) return;
        if (x.IsRegister(0) && i.Op0Register.IsVectorRegister()) x.WriteVector(v);
        else x.Write(0, v.Fit(x.Type(0)));
    }

    static void StoreMasked(Lift x)
    {
        foreach (var (n, at) in new[] { (2, 0), (1, 8) }) x.E.Set("lanes", x.E.Host($"movq $0,{Register(x, n)}", I64), at);
        x.StoreEachLane(8, "lanes", I8, x.StringPointer, n => x.E.Get(I8, "lanes", 8 + n));
    }

    static string Source(this Lift x, int n, List<V> args, ref int next)
    {
        if (x.IsMm(n)) return Register(x, n);
        if (x.Instruction.GetOpKind(n) == OpKind.Immediate8) return $"{x.Immediate}";
        IrType t = x.Bits(n) == 128 ? I64.By(2) : x.Instruction.Mnemonic == Pinsrw && x.IsRegister(n) ? I32 : x.Type(n);
        args.Add(x.Read(n, t));
        return x.IsMemory(n) ? $"{X87.Size(t)} ptr ${next++}" : $"${next++}";
    }

    /// <summary>A value in a general or vector register, or what is stored.</summary>
    static IrType ResultType(this Lift x) => x.Bits(0) == 128 ? I64.By(2) : x.Instruction.Mnemonic is Pextrw or Pmovmskb ? I32 : x.Type(0);

    static bool IsMm(this Lift x, int n) => x.IsRegister(n) && x.Instruction.GetOpRegister(n).IsMM();

    static string Register(Lift x, int n) => x.Instruction.GetOpRegister(n).ToString().ToLowerInvariant();
}
