using Emu.Ir;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>What instructions define, for one input: the rest may differ between CPUs.</summary>
/// <param name="Undefined">Flags that the manual leaves undefined.</param>
/// <param name="IsOpen">Whether a whole result is undefined.</param>
sealed record Expectation(Flag Undefined, bool IsOpen)
{
    /// <summary>After one instruction or several.</summary>
    public static Expectation Of(IReadOnlyList<Instruction> instructions, Machine before)
    {
        bool alone = instructions.Count == 1; // otherwise cl is not known
        var all = new Expectation(Flag.None, false);
        foreach (var i in instructions)
        {
            Flag kept = IsConditional(i) ? all.Undefined : all.Undefined & ~Map(i.RflagsModified);
            all = new(kept | (alone ? UndefinedBy(i, before.State) : Map(i.RflagsUndefined)), all.IsOpen || IsUndefined(i, before.State));
        }
        return all;
    }

    public static Flag Map(RflagsBits r) =>
        (r.HasFlag(RflagsBits.OF) ? Flag.O : 0) | (r.HasFlag(RflagsBits.SF) ? Flag.S : 0) | (r.HasFlag(RflagsBits.ZF) ? Flag.Z : 0)
        | (r.HasFlag(RflagsBits.AF) ? Flag.A : 0) | (r.HasFlag(RflagsBits.PF) ? Flag.P : 0) | (r.HasFlag(RflagsBits.CF) ? Flag.C : 0);

    /// <summary>A shift by cl leaves all flags alone when its count is zero, and so does a repetition that does not happen.</summary>
    public static bool IsConditional(in Instruction i) => IsByCl(i) || i.IsStringInstruction;

    static bool IsByCl(in Instruction i) => i.OpCount > 1 && i.GetOpKind(i.OpCount - 1) == OpKind.Register && i.GetOpRegister(i.OpCount - 1) == Register.CL && i.RflagsModified != 0
        && i.Mnemonic is Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr or Mnemonic.Shld or Mnemonic.Shrd;

    static Flag UndefinedBy(in Instruction i, State s) =>
        IsByCl(i) && (s["rcx"] & (i.Op0Register.IsGPR64() || i.MemorySize.GetSize() == 8 ? 63u : 31u)) == 0 ? Flag.None : Map(i.RflagsUndefined);

    /// <summary>Whole results that the manual leaves undefined.</summary>
    public static bool IsUndefined(in Instruction i, State s) => i.Mnemonic switch
    {
        Mnemonic.Bswap => i.Op0Register.IsGPR16(),
        Mnemonic.Shld or Mnemonic.Shrd => i.Op1Register.IsGPR16() && ((i.Op2Kind == OpKind.Register ? s["rcx"] : i.Immediate8) & 31) > 16,
        // Guests are told of x87, SSE and AVX only (runtime/core/cpuid.c).
        _ when i.MemorySize is MemorySize.Xsave or MemorySize.Xsave64 => (s["rax"] & ~7ul) != 0,
        _ => false,
    };
}
