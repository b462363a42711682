using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Emu.Translator.X86.Vectors;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>What AVX and AVX2 have and SSE has not: broadcasts, halves, permutations, shifts by lane (Intel SDM vol. 1, 14.1 to 14.8).</summary>
static class Avx
{
    public static void Define(Rules r)
    {
        r.Vex("vzeroupper", x => x.Clear(I128, 16));
        r.Vex("vzeroall", x => { x.Clear(I128, 0); x.Clear(I128, 16); });

        r.Broadcast("vbroadcastss", F32);
        r.Broadcast("vbroadcastsd", F64);
        foreach (char c in "bwdq") r.Broadcast("vpbroadcast" + c, Lane(c));
        foreach (var kind in new[] { "f128", "i128" })
        {
            r.Vex("vbroadcast" + kind, x => { V half = x.Read(1, I64.By(2)); x.WriteHalves(half, half); });
            r.Vex("vinsert" + kind, InsertHalf);
            r.Vex("vextract" + kind, ExtractHalf);
            r.Vex("vperm2" + kind, PermuteHalves);
        }

        r.Vex("vpermq", x => x.Permute(I64));
        r.Vex("vpermpd", x => x.Permute(F64));
        r.Vex("vpermd", x => x.WriteVector(x.E.Native("permd", I32.By(8), null, x.Read(1, I32.By(8)), x.Read(2, I32.By(8)))));
        r.Vex("vpermps", x => x.WriteVector(x.E.Native("permps", F32.By(8), null, x.Read(1, I32.By(8)), x.Read(2, F32.By(8)))));
        r.Vex("vpermilps", x => x.PermuteInLane("permilps", F32, imm => k => imm >> 2 * k & 3));
        r.Vex("vpermilpd", x => x.PermuteInLane("permilpd", F64, null));
        r.Vex("vpblendd", x => { var (a, b) = x.Sources(x.Filled(I32)); x.WriteVector(a.Shuffle(b, Shuffles.Blend(a.Type, x.Immediate))); });

        foreach (var (name, lane) in new[] { ("psllvd", I32), ("psllvq", I64), ("psrlvd", I32), ("psrlvq", I64), ("psravd", I32) })
            r.Vex("v" + name, x => { var (a, b) = x.Sources(x.Filled(lane)); x.WriteVector(x.E.Native(name, a.Type, null, a, b)); });
        r.Vex("vtestps", x => x.TestSigns(I32));
        r.Vex("vtestpd", x => x.TestSigns(I64));
    }

    /// <summary>Clears a half of every vector register.</summary>
    static void Clear(this Lift x, IrType half, int at)
    {
        for (int n = 0; n < 16; n++) x.E.Set($"ymm{n}", x.E.Const(half, 0), at);
    }

    static void Broadcast(this Rules r, string name, IrType lane) => r.Vex(name, x =>
    {
        var t = x.Filled(lane);
        x.WriteVector(x.E.Splat(t, 0).Insert(0, x.Read(1, lane)).Shuffled(_ => 0));
    });

    static V Shuffled(this V v, Func<int, int> from) => v.Shuffle(v, [.. Enumerable.Range(0, v.Type.Lanes).Select(from)]);

    static V Half(this Lift x, int op, int n) => x.E.Get(I64.By(2), Lift.Full(x.Instruction.GetOpRegister(op)), 16 * n);

    static void WriteHalves(this Lift x, V low, V high)
    {
        string r = Lift.Full(x.Instruction.Op0Register);
        x.E.Set(r, low);
        x.E.Set(r, high, 16);
    }

    static void InsertHalf(Lift x)
    {
        bool upper = (x.Immediate & 1) != 0;
        V half = x.Read(2, I64.By(2)), kept = x.Half(1, upper ? 0 : 1);
        x.WriteHalves(upper ? kept : half, upper ? half : kept);
    }

    static void ExtractHalf(Lift x)
    {
        V half = x.Half(1, x.Immediate & 1);
        if (x.IsMemory(0)) x.Write(0, half);
        else x.WriteVector(half);
    }

    /// <summary>Each half is one of four, or zero where bit 3 is set.</summary>
    static void PermuteHalves(Lift x)
    {
        var (a, b) = x.Sources(I64.By(4));
        int[] from = [.. Enumerable.Range(0, 4).Select(k => x.Immediate >> k / 2 * 4 is var half && (half & 8) != 0 ? -1 : (half & 3) * 2 + k % 2)];
        x.WriteVector(a.Shuffle(b, from));
    }

    static void Permute(this Lift x, IrType lane) => x.WriteVector(x.Read(1, lane.By(4)).Shuffled(k => x.Immediate >> 2 * k & 3));

    /// <summary>By an immediate, or by the last source.</summary>
    static void PermuteInLane(this Lift x, string name, IrType lane, Func<int, Func<int, int>>? pick)
    {
        var t = x.Filled(lane);
        V a = x.Read(1, t);
        if (x.Instruction.Op2Kind != OpKind.Immediate8) x.WriteVector(x.E.Native(name, t, null, a, x.Read(2, Int(lane.Bits).Fill(x.Bits(0)))));
        else x.WriteVector(pick is null ? a.Shuffled(k => (k & ~1) + (x.Immediate >> k & 1)) : a.Shuffle(a, InLane(t, pick(x.Immediate))));
    }

    static void TestSigns(this Lift x, IrType lane)
    {
        V a = x.Read(0, lane.Fill(x.Bits(0))), b = x.Read(1, a.Type);
        V NoSign(V v) => v.Icmp(Predicate.Slt, 0).Bits(Int(v.Type.Lanes)).Icmp(Predicate.Eq, 0);
        x.Comparison(zero: NoSign(a & b), parity: x.E.Const(I1, 0), carry: NoSign((a ^ a.Splat(-1)) & b));
    }
}
