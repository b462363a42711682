using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Emu.Translator.X86.Vectors;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>Shuffles, unpacks, blends, insertions and extractions: bits that only move (Intel SDM vol. 1, 5.5.1.4, 5.6.1.4, 5.10.7).</summary>
static class Shuffles
{
    public static void Define(Rules r)
    {
        r.Unpack("bw", I8);
        r.Unpack("wd", I16);
        r.Unpack("dq", I32);
        r.Unpack("qdq", I64);
        foreach (var (c, lane) in FloatLanes)
        {
            r.Lanes("unpcklp" + c, lane, (a, b) => a.Shuffle(b, Interleave(a.Type, high: false)));
            r.Lanes("unpckhp" + c, lane, (a, b) => a.Shuffle(b, Interleave(a.Type, high: true)));
        }
        r.Permute("pshufd", I32, imm => k => imm >> 2 * k & 3);
        r.Permute("pshuflw", I16, imm => k => k < 4 ? imm >> 2 * k & 3 : k);
        r.Permute("pshufhw", I16, imm => k => k < 4 ? k : 4 + (imm >> 2 * (k - 4) & 3));
        r.Permute("movsldup", F32, _ => k => k & ~1);
        r.Permute("movshdup", F32, _ => k => k | 1);
        r.Twins("movddup", Duplicate);

        r.Pick("shufps", F32, (x, t) => InLane(t, k => (x.Immediate >> 2 * k & 3) + (k < 2 ? 0 : 4)));
        r.Pick("shufpd", F64, (x, t) => [.. Enumerable.Range(0, t.Lanes).Select(k => (k & ~1) + (x.Immediate >> k & 1) + (k % 2) * t.Lanes)]);
        r.Pick("blendps", F32, (x, t) => Blend(t, x.Immediate));
        r.Pick("blendpd", F64, (x, t) => Blend(t, x.Immediate));
        r.Pick("pblendw", I16, (x, t) => InLane(t, k => k + (x.Immediate >> k & 1) * 8));
        r.Twins("movhlps", x => x.WriteLane(0, x.Read(x.Last(), I64.By(2)).Extract(1)));
        r.Twins("movlhps", x => x.WriteLane(1, x.Read(x.Last(), I64)));
        r.Natives(I8, "pshufb");
        r.Twins("palignr", Align);
        r.Twins("pslldq", x => x.ShiftBytes(k => k - x.Immediate));
        r.Twins("psrldq", x => x.ShiftBytes(k => k + x.Immediate));
        r.BlendByMask("pblendvb", I8);
        r.BlendByMask("blendvps", I32);
        r.BlendByMask("blendvpd", I64);

        foreach (char c in "bwdq")
        {
            r.Twins("pinsr" + c, x => x.WriteLane(x.LaneNumber(c), x.Read(x.Last(), Lane(c))));
            r.Twins("pextr" + c, x => x.Write(0, x.Read(1, Lane(c).Fill(128)).Extract(x.LaneNumber(c)).Zext(x.Type(0))));
        }
        r.Twins("extractps", x => x.Write(0, x.Read(1, I32.By(4)).Extract(x.Immediate & 3).Zext(x.Type(0))));
        r.Twins("insertps", InsertSingle);
        r.Mask("pmovmskb", I8);
        r.Mask("movmskps", I32);
        r.Mask("movmskpd", I64);
    }

    static int LaneNumber(this Lift x, char c) => x.Immediate & 128 / Lane(c).Bits - 1;

    static void Unpack(this Rules r, string suffix, IrType lane)
    {
        r.Lanes("punpckl" + suffix, lane, (a, b) => a.Shuffle(b, Interleave(a.Type, high: false)));
        r.Lanes("punpckh" + suffix, lane, (a, b) => a.Shuffle(b, Interleave(a.Type, high: true)));
    }

    static int[] Interleave(IrType t, bool high)
    {
        int n = 128 / t.Bits;
        return InLane(t, k => k / 2 + (high ? n / 2 : 0) + k % 2 * n);
    }

    /// <summary>Each lane of the first or, where the mask has a bit, of the second source.</summary>
    public static int[] Blend(IrType t, int mask) => [.. Enumerable.Range(0, t.Lanes).Select(k => k + (mask >> k & 1) * t.Lanes)];

    /// <summary>Lanes of one source, chosen by the immediate.</summary>
    static void Permute(this Rules r, string name, IrType lane, Func<int, Func<int, int>> pick) => r.Twins(name, x =>
    {
        V a = x.Read(1, x.Filled(lane));
        x.WriteVector(a.Shuffle(a, InLane(a.Type, pick(x.Immediate))));
    });

    /// <summary>Lanes of two sources, chosen by the immediate.</summary>
    static void Pick(this Rules r, string name, IrType lane, Func<Lift, IrType, int[]> lanes) => r.Twins(name, x =>
    {
        var (a, b) = x.Sources(x.Filled(lane));
        x.WriteVector(a.Shuffle(b, lanes(x, a.Type)));
    });

    /// <summary>The 128-bit form reads only 64 bits.</summary>
    static void Duplicate(Lift x)
    {
        var t = x.Filled(F64);
        V a = t.Lanes > 2 ? x.Read(1, t) : x.E.Splat(t, 0).Insert(0, x.Read(1, F64));
        x.WriteVector(a.Shuffle(a, InLane(t, _ => 0)));
    }

    /// <summary>Bytes of the pair first:second, from the immediate on.</summary>
    static void Align(Lift x)
    {
        var (a, b) = x.Sources(x.Filled(I8));
        x.WriteVector(b.Shuffle(a, InLane(a.Type, k => k + x.Immediate is < 32 and var p ? p : -1)));
    }

    static void ShiftBytes(this Lift x, Func<int, int> from)
    {
        V a = x.Read(x.Last() - 1, x.Filled(I8));
        x.WriteVector(a.Shuffle(a, InLane(a.Type, k => from(k) is >= 0 and < 16 and var p ? p : -1)));
    }

    /// <summary>Top bit of each mask lane chooses; the mask is xmm0, or the last operand of the VEX form.</summary>
    static void BlendByMask(this Rules r, string name, IrType lane)
    {
        void Row(Lift x)
        {
            var (a, b) = x.Sources(x.Filled(lane));
            V mask = x.IsVex ? x.Read(3, a.Type) : x.ReadRegister(Register.XMM0, a.Type);
            x.WriteVector(x.E.Select(mask.Icmp(Predicate.Slt, 0), b, a));
        }
        r.Twins(name, Row);
    }

    static void InsertSingle(Lift x)
    {
        int imm = x.Immediate, last = x.Last();
        V a = x.Read(last - 1, F32.By(4));
        V lane = x.IsMemory(last) ? x.Read(last, F32) : x.Read(last, F32.By(4)).Extract(imm >> 6);
        V filled = a.Insert(imm >> 4 & 3, lane);
        x.WriteVector(filled.Shuffle(filled, InLane(a.Type, k => (imm >> k & 1) != 0 ? -1 : k)));
    }

    static void Mask(this Rules r, string name, IrType lane) => r.Twins(name, x =>
    {
        V negative = x.Read(1, lane.Fill(x.Bits(1))).Icmp(Predicate.Slt, 0);
        x.Write(0, negative.Bits(Int(negative.Type.Lanes)).Zext(x.Type(0)));
    });
}
