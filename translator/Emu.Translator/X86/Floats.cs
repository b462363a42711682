using Emu.Ir;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>SSE floating point: arithmetic, comparison, rounding (Intel SDM vol. 1, 5.5.1 and 5.6.1).</summary>
/// <remarks>
/// All of it is the host's own instructions: LLVM's would lose exceptions, round at translation time, or swap two NaNs
/// (ARCHITECTURE.md, "Floating point").
/// </remarks>
static class Floats
{
    public static void Define(Rules r)
    {
        foreach (var stem in "add sub mul div min max".Split(' ')) r.Floats(stem);
        foreach (var (c, lane) in Vectors.FloatLanes)
        {
            r.Unary("sqrtp" + c, lane, a => a.E.Native("sqrtp" + c, a.Type, null, a));
            r.Scalar("sqrts" + c, lane);
            foreach (var stem in "hadd hsub addsub".Split(' ')) r.Natives(lane, $"{stem}p{c}");
            r.Twins("cmpp" + c, x => x.ComparePacked("cmpp" + c, lane));
            r.Twins("cmps" + c, x => { if (x.Instruction.IsStringInstruction) Strings.CmpsdString(x); else x.ScalarLane("cmps" + c, lane, x.Comparator()); });
            r.Twins("ucomis" + c, x => x.CompareScalar("ucomis" + c, lane));
            r.Twins("comis" + c, x => x.CompareScalar("comis" + c, lane));
            r.Twins("roundp" + c, x => x.WriteVector(x.E.Native("roundp" + c, x.Filled(lane), x.Immediate, x.Read(1, x.Filled(lane)))));
            r.Twins("rounds" + c, x => x.ScalarLane("rounds" + c, lane, x.Immediate));
            r.Twins("dpp" + c, x => { var (a, b) = x.Sources(x.Filled(lane)); x.WriteVector(x.E.Native("dpp" + c, a.Type, x.Immediate, a, b)); });
        }
        foreach (var name in new[] { "rcp", "rsqrt" })
        {
            r.Unary(name + "ps", F32, a => a.E.Native(name + "ps", a.Type, null, a));
            r.Scalar(name + "ss", F32);
        }

        r.Twins("ldmxcsr", x => x.E.Native("ldmxcsr", I32, null, x.Read(0, I32)));
        r.Twins("stmxcsr", x => x.Write(0, x.E.Native("stmxcsr", I32, null)));
    }

    static void ComparePacked(this Lift x, string name, IrType lane)
    {
        var (a, b) = x.Sources(x.Filled(lane));
        x.WriteVector(x.E.Native(name, Int(lane.Bits).Fill(a.Type.TotalBits), x.Comparator(), a, b));
    }

    /// <summary>SSE knows eight predicates, VEX 32 (Intel SDM vol. 2, CMPPS).</summary>
    static int Comparator(this Lift x) => x.Immediate & (x.IsVex ? 31 : 7);

    /// <summary>The native raises the exceptions; what the flags say is left to LLVM, which branches on it without setting them.</summary>
    static void CompareScalar(this Lift x, string name, IrType lane)
    {
        V a = x.Read(0, lane), b = x.Read(1, lane);
        x.E.Native(name, lane, null, a, b);
        x.Comparison(a.Fcmp(Predicate.Ueq, b), a.Fcmp(Predicate.Uno, b), a.Fcmp(Predicate.Fult, b));
    }
}
