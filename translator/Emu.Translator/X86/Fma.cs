using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>Fused multiply-add (Intel SDM vol. 1, 14.5). The host's own instruction: which NaN comes out depends on the operands' order.</summary>
static class Fma
{
    public static void Define(Rules r)
    {
        foreach (var order in new[] { "132", "213", "231" })
            foreach (var (c, lane) in Vectors.FloatLanes)
            {
                foreach (var stem in new[] { "fmadd", "fmsub", "fnmadd", "fnmsub" })
                {
                    r.Packed($"{stem}{order}p{c}", lane);
                    r.Low($"{stem}{order}s{c}", lane);
                }
                r.Packed($"fmaddsub{order}p{c}", lane);
                r.Packed($"fmsubadd{order}p{c}", lane);
            }
    }

    static void Packed(this Rules r, string name, IrType lane) => r.Vex("v" + name, x => x.WriteVector(x.Fused(name, x.Filled(lane))));

    /// <summary>Only the low lane; those above it stay.</summary>
    static void Low(this Rules r, string name, IrType lane) => r.Vex("v" + name, x => x.WriteVector(x.E.Native(name, lane.Fill(128), null, x.Read(0, lane.Fill(128)), x.Read(1, lane), x.Read(2, lane))));

    static V Fused(this Lift x, string name, IrType t) => x.E.Native(name, t, null, x.Read(0, t), x.Read(1, t), x.Read(2, t));
}
