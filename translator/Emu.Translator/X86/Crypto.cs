using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>AES, carry-less multiplication, SHA and Galois fields (Intel SDM vol. 1, 5.13 to 5.15, 5.22). On the host's own instructions.</summary>
static class Crypto
{
    public static void Define(Rules r)
    {
        r.Natives(I64, "aesenc aesenclast aesdec aesdeclast");
        r.Unary("aesimc", I64, a => a.E.Native("aesimc", a.Type, null, a));
        r.Twins("aeskeygenassist", x => x.WriteVector(x.E.Native("aeskeygenassist", x.Filled(I64), x.Immediate, x.Read(1, x.Filled(I64)))));
        r.WithImmediate("pclmulqdq", I64);

        r.Natives(I32, "sha1nexte sha1msg1 sha1msg2 sha256msg1 sha256msg2");
        r.WithImmediate("sha1rnds4", I32);
        r.Twins("sha256rnds2", x => x.WriteVector(x.E.Native("sha256rnds2", I32.By(4), null, x.Read(0, I32.By(4)), x.ReadRegister(Register.XMM0, I32.By(4)), x.Read(1, I32.By(4)))));

        r.Natives(I8, "gf2p8mulb");
        r.WithImmediate("gf2p8affineqb", I8);
        r.WithImmediate("gf2p8affineinvqb", I8);
    }

    static void WithImmediate(this Rules r, string name, Emu.Ir.Type lane) => r.Twins(name, x =>
    {
        var (a, b) = x.Sources(x.Filled(lane));
        x.WriteVector(x.E.Native(name, a.Type, x.Immediate, a, b));
    });
}
