using Emu.Ir;
using Iced.Intel;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>
/// <c>xor eax, eax</c>, <c>or rax, -1</c>, <c>pcmpeqd xmm0, xmm0</c>: the register becomes all zeros or ones whatever was in it, so it is
/// not read (Intel Optimization Manual, "Clearing Registers and Dependency Breaking Idioms").
/// </summary>
static class Idioms
{
    /// <summary>What every bit becomes: 0, -1, or nothing when it is no such instruction.</summary>
    static int? Fills(in Instruction i) => i.Encoding is not (EncodingKind.Legacy or EncodingKind.VEX) ? null : i.Mnemonic switch
    {
        Xor or Sub or Pxor or Xorps or Xorpd when Same(i, 0, 1) => 0,
        Vpxor or Vxorps or Vxorpd when Same(i, 1, 2) => 0,
        Pcmpeqb or Pcmpeqw or Pcmpeqd when Same(i, 0, 1) => -1,
        Vpcmpeqb or Vpcmpeqw or Vpcmpeqd when Same(i, 1, 2) => -1,
        Or when i.Op0Kind == OpKind.Register && (i.Op1Kind is OpKind.Immediate8 or OpKind.Immediate8to16 or OpKind.Immediate8to32 or OpKind.Immediate8to64) && i.Immediate8 == 0xff => -1,
        _ => null,
    };

    static bool Same(in Instruction i, int a, int b) =>
        i.GetOpKind(a) == OpKind.Register && i.GetOpKind(b) == OpKind.Register && i.GetOpRegister(a) == i.GetOpRegister(b) && !i.GetOpRegister(a).IsMM();

    /// <summary>Lifts the instruction if it is one of them.</summary>
    public static bool Lift(Lift x)
    {
        if (Fills(x.Instruction) is not { } bits) return false;
        if (x.Instruction.Op0Register.IsVectorRegister()) { x.WriteVector(x.E.Splat(Emu.Ir.Type.I64.Fill(x.Bits(0)), bits)); return true; }
        V now = x.E.Const(x.Type(0), bits), zero = x.E.Const(x.Type(0), 0);
        x.Write(0, now);
        x.E.Flags(x.Instruction.Mnemonic == Sub ? FlagRule.Sub : FlagRule.Logic, zero, zero, now);
        return true;
    }
}
