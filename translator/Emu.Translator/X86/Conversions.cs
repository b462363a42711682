using Emu.Ir;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>Conversions between numbers, widening moves, and SSE4.2's text and checksum instructions.</summary>
static class Conversions
{
    public static void Define(Rules r)
    {
        r.FromInteger("cvtsi2ss", F32);
        r.FromInteger("cvtsi2sd", F64);
        // Out of range gives the "integer indefinite", which no float-to-int operation of the IR does.
        foreach (var (c, lane) in Vectors.FloatLanes)
            foreach (var name in new[] { $"cvts{c}2si", $"cvtts{c}2si" })
                r.Twins(name, x => x.Write(0, x.E.Native(name, x.Type(0), null, x.Read(1, lane))));
        r.Scalar("cvtss2sd", F32, F64);
        r.Scalar("cvtsd2ss", F64, F32);

        foreach (var (name, from) in new[] { ("cvtdq2pd", I32), ("cvtps2pd", F32) })
            r.Twins(name, x => x.WriteVector(x.E.Native(name, x.Filled(F64), null, x.LowHalf(from))));
        foreach (var (name, from, to) in new[] { ("cvtdq2ps", I32, F32), ("cvtps2dq", F32, I32), ("cvttps2dq", F32, I32) })
            r.Unary(name, from, a => a.E.Native(name, to.Fill(a.Type.TotalBits), null, a));
        foreach (var (name, to) in new[] { ("cvtpd2ps", F32), ("cvtpd2dq", I32), ("cvttpd2dq", I32) })
            r.Twins(name, x => x.WriteVector(x.E.Native(name, to.By(4), null, x.Read(1, F64.Fill(x.Bits(1))))));

        r.Vex("vcvtph2ps", x => x.WriteVector(x.E.Native("cvtph2ps", x.Filled(F32), null, x.HalfFloats())));
        r.Vex("vcvtps2ph", x => { if (x.IsMemory(0)) x.StoreHalfFloats(); else x.WriteVector(x.E.Native("cvtps2ph", I64.By(2), x.Immediate, x.Read(1, F32.Fill(x.Bits(1))))); });

        foreach (var (name, from, to) in new[] { ("bw", I8, I16), ("bd", I8, I32), ("bq", I8, I64), ("wd", I16, I32), ("wq", I16, I64), ("dq", I32, I64) })
        {
            r.Widen("pmovsx" + name, Op.Sext, from, to);
            r.Widen("pmovzx" + name, Op.Zext, from, to);
        }

        r[Iced.Intel.Mnemonic.Crc32] = Checksum;
        r.Twins("pcmpistri", x => x.Text(explicitLength: false, mask: false));
        r.Twins("pcmpistrm", x => x.Text(explicitLength: false, mask: true));
        foreach (var suffix in new[] { "", "64" })
        {
            r.Twins("pcmpestri" + suffix, x => x.Text(explicitLength: true, mask: false));
            r.Twins("pcmpestrm" + suffix, x => x.Text(explicitLength: true, mask: true));
        }
    }

    /// <summary>As many 16-bit floats as the destination has lanes, in a whole register.</summary>
    static V HalfFloats(this Lift x) => x.Bits(0) == 128 ? x.E.Splat(I64.By(2), 0).Insert(0, x.Read(1, I64)) : x.Read(1, I64.By(2));

    /// <summary>With its store in one: where that faults MXCSR has no new exceptions.</summary>
    static void StoreHalfFloats(this Lift x)
    {
        x.Address(0);
        var t = x.Bits(1) == 256 ? I64.By(2) : I64;
        x.Write(0, x.E.Host($"vcvtps2ph {X87.Size(t)} ptr $0,$1,{x.Immediate}", t, x.Read(1, F32.Fill(x.Bits(1)))));
    }

    static void FromInteger(this Rules r, string name, IrType to) => r.Twins(name, x => x.ScalarLane(name, x.Type(x.Last()), null, to));

    /// <summary>The half of a source that a conversion to twice the width reads: a whole register, or that much of memory.</summary>
    static V LowHalf(this Lift x, IrType lane) => x.IsRegister(1) ? x.Read(1, lane.Fill(128)) : x.Bits(0) == 128 ? x.Read(1, F64) : x.Read(1, lane.Fill(x.Bits(0) / 2));

    /// <summary>As many low lanes of the source as fill the destination.</summary>
    static void Widen(this Rules r, string name, Op op, IrType from, IrType to) =>
        r.Twins(name, x => x.WriteVector(x.Read(1, from.By(x.Filled(to).Lanes)).Convert(op, x.Filled(to))));

    static void Checksum(Lift x)
    {
        V source = x.Read(1);
        var t = source.Type == I64 ? I64 : I32;
        x.E.Set(Lift.Full(x.Instruction.Op0Register), x.E.Native("crc32", t, null, x.Read(0, t), source).Zext(I64));
    }

    /// <summary>pcmpistri and its three siblings. Native pcmp?stri gives ecx, and above it ax as lahf and seto al leave it.</summary>
    static void Text(this Lift x, bool explicitLength, bool mask)
    {
        string stem = explicitLength ? "pcmpestr" : "pcmpistr";
        V a = x.Read(0, I8.By(16)), b = x.Read(1, a.Type);
        V Run(string name, IrType t) => explicitLength
            ? x.E.Native(name, t, x.Immediate, a, b, x.Length("rax"), x.Length("rdx"))
            : x.E.Native(name, t, x.Immediate, a, b);
        V index = Run(stem + "i", I64), flags = index >> 32;
        if (!mask) x.E.Set("rcx", index & 0xffffffff);
        else
        {
            x.E.Set("ymm0", Run(stem + "m", a.Type));
            if (x.IsVex) x.E.Set("ymm0", x.E.Const(I128, 0L), 16);
        }
        foreach (var (f, bit) in new[] { (Flag.O, 0), (Flag.S, 15), (Flag.Z, 14), (Flag.C, 8) }) x.E.SetFlag(f, (flags >> bit).Trunc(I1));
        foreach (var f in new[] { Flag.A, Flag.P }) x.E.SetFlag(f, x.E.Const(I1, 0L));
    }

    /// <summary>A text's length in eax, or in rax with REX.W; anything beyond 16 means 16.</summary>
    static V Length(this Lift x, string register)
    {
        if (!x.Instruction.Mnemonic.ToString().EndsWith("64", StringComparison.Ordinal)) return x.E.Get(I32, register);
        V v = x.E.Get(I64, register);
        return v.With(Op.Smax, v.Same(-16)).With(Op.Smin, v.Same(16)).Trunc(I32);
    }
}
