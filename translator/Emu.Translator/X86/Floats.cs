using Emu.Ir;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>SSE floating point: arithmetic, comparison, rounding (Intel SDM vol. 1, 5.5.1 and 5.6.1).</summary>
static class Floats
{
    public static void Define(Rules r)
    {
        r.Floats("add", (a, b) => a.With(Op.Fadd, b));
        r.Floats("sub", (a, b) => a.With(Op.Fsub, b));
        r.Floats("mul", (a, b) => a.With(Op.Fmul, b));
        r.Floats("div", (a, b) => a.With(Op.Fdiv, b));
        // The second source wins on NaN and on two zeros (Intel SDM vol. 2, MINPS): exactly this select.
        r.Floats("min", (a, b) => a.E.Select(a.Fcmp(Predicate.Olt, b), a, b));
        r.Floats("max", (a, b) => a.E.Select(a.Fcmp(Predicate.Ogt, b), a, b));
        foreach (var (c, lane) in Vectors.FloatLanes)
        {
            r.Unary("sqrtp" + c, lane, a => a.One(Op.Fsqrt));
            r.ScalarUnary("sqrts" + c, lane, a => a.One(Op.Fsqrt));
            r.Horizontal("haddp" + c, lane, Op.Fadd);
            r.Horizontal("hsubp" + c, lane, Op.Fsub);
            r.Natives(lane, "addsubp" + c);
            r.Twins("cmpp" + c, x => x.ComparePacked(lane));
            r.Twins("ucomis" + c, x => x.CompareScalar(lane));
            r.Twins("comis" + c, x => x.CompareScalar(lane));
            r.Twins("roundp" + c, x => x.WriteVector(x.E.Native("roundp" + c, x.Filled(lane), x.Immediate, x.Read(1, x.Filled(lane)))));
            r.Twins("rounds" + c, x => x.WriteLow(x.E.Native("rounds" + c, lane, x.Immediate, x.Read(x.Last(), lane))));
            r.Twins("dpp" + c, x => { var (a, b) = x.Sources(x.Filled(lane)); x.WriteVector(x.E.Native("dpp" + c, a.Type, x.Immediate, a, b)); });
        }
        foreach (var name in new[] { "rcp", "rsqrt" })
        {
            r.Unary(name + "ps", F32, a => a.E.Native(name + "ps", a.Type, null, a));
            r.ScalarUnary(name + "ss", F32, a => a.E.Native(name + "ss", F32, null, a));
        }
        r.Twins("cmpss", x => x.CompareLow(F32));
        r.Twins("cmpsd", x => { if (x.Instruction.IsStringInstruction) Strings.CmpsdString(x); else x.CompareLow(F64); });

        r.Twins("ldmxcsr", x => { V v = x.Read(0, I32); x.E.Set("mxcsr", v); x.E.Native("ldmxcsr", I32, null, v); });
        r.Twins("stmxcsr", x => x.Write(0, x.E.Native("stmxcsr", I32, null)));
    }

    /// <summary>The first eight predicates of CMPPS; the next eight are those that VEX adds, and 16 to 31 only signal differently.</summary>
    static readonly Predicate?[] predicates =
    [
        Predicate.Oeq, Predicate.Olt, Predicate.Ole, Predicate.Uno, Predicate.Une, Predicate.Fuge, Predicate.Fugt, Predicate.Ord,
        Predicate.Ueq, Predicate.Fult, Predicate.Fule, null, Predicate.One, Predicate.Oge, Predicate.Ogt, null,
    ];

    static V Compare(this Lift x, V a, V b)
    {
        int n = x.Immediate & (x.IsVex ? 15 : 7);
        var mask = Int(a.Type.Bits).By(a.Type.Lanes);
        return predicates[n] is { } p ? a.Fcmp(p, b).Sext(mask) : x.E.Splat(mask, n == 15 ? -1 : 0);
    }

    static void ComparePacked(this Lift x, IrType lane)
    {
        var (a, b) = x.Sources(x.Filled(lane));
        x.WriteVector(x.Compare(a, b));
    }

    static void CompareLow(this Lift x, IrType lane) => x.WriteLow(x.Compare(x.Read(x.Last() - 1, lane), x.Read(x.Last(), lane)));

    static void CompareScalar(this Lift x, IrType lane)
    {
        V a = x.Read(0, lane), b = x.Read(1, lane);
        x.Comparison(a.Fcmp(Predicate.Ueq, b), a.Fcmp(Predicate.Uno, b), a.Fcmp(Predicate.Fult, b));
    }
}
