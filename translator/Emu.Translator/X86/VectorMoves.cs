using Emu.Ir;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>Vector loads, stores and register moves (Intel SDM vol. 1, 5.5.1.1, 5.6.1.1).</summary>
static class VectorMoves
{
    public static void Define(Rules r)
    {
        r.Move(F32, "movaps movups movntps");
        r.Move(F64, "movapd movupd movntpd");
        r.Move(I64, "movdqa movdqu movntdq movntdqa lddqu");
        r.Twins("movss", x => x.MoveScalar(F32));
        r.Twins("movsd", x => { if (x.Instruction.IsStringInstruction) Strings.MovsdString(x); else x.MoveScalar(F64); });
        r.Twins("movd", x => x.MoveInteger(I32));
        r.Twins("movq", x => x.MoveInteger(I64));
        r.Half("movlps", 0);
        r.Half("movlpd", 0);
        r.Half("movhps", 1);
        r.Half("movhpd", 1);
    }

    static void Move(this Rules r, IrType lane, string names)
    {
        foreach (var name in names.Split(' ')) r.Twins(name, x =>
        {
            V v = x.Read(1, x.Filled(lane));
            if (x.IsMemory(0)) x.Write(0, v);
            else x.WriteVector(v);
        });
    }

    static void MoveScalar(this Lift x, IrType lane)
    {
        if (x.IsMemory(0)) x.Write(0, x.Read(1, lane));
        else if (x.IsMemory(1)) x.WriteAlone(x.Read(1, lane));
        else x.WriteLow(x.Read(x.Last(), lane));
    }

    static void MoveInteger(this Lift x, IrType lane)
    {
        V v = x.Read(1, lane);
        if (x.IsRegister(0) && x.Bits(0) == 128) x.WriteAlone(v);
        else x.Write(0, v);
    }

    /// <summary>One half of a vector from or to memory.</summary>
    static void Half(this Rules r, string name, int half) => r.Twins(name, x =>
    {
        if (x.IsMemory(0)) x.Write(0, x.Read(1, I64.By(2)).Extract(half));
        else x.WriteLane(half, x.Read(x.Last(), I64));
    });
}
