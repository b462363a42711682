using Emu.Instrumentation;
using Iced.Intel;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.Instrumentation;

/// <summary>The class of every instruction, by the chapters of Intel SDM vol. 1, 5.1 to 5.26.</summary>
static class InstructionClasses
{
    static readonly Dictionary<Mnemonic, InstructionClass> table = Table();

    static readonly InstructionClass?[] byCode = new InstructionClass?[Enum.GetValues<Code>().Length];

    public static InstructionClass Of(in Instruction i) => byCode[(int)i.Code] ??= Find(i);

    static InstructionClass Find(in Instruction i)
    {
        if (i.IsStringInstruction) return InstructionClass.String;
        if (i.Mnemonic == Mov && Selects(i.Code)) return InstructionClass.System;
        if (table.TryGetValue(i.Mnemonic, out var known)) return known;
        if (i.FlowControl is not (FlowControl.Next or FlowControl.Exception)) return OfFlow(i.FlowControl);
        return i.Encoding != EncodingKind.Legacy ? OfVector(i) : OfLegacy(i);
    }

    static InstructionClass OfFlow(FlowControl f) => f switch
    {
        FlowControl.UnconditionalBranch or FlowControl.IndirectBranch => InstructionClass.Jump,
        FlowControl.ConditionalBranch => InstructionClass.Branch,
        FlowControl.Call or FlowControl.IndirectCall => InstructionClass.Call,
        FlowControl.Return => InstructionClass.Return,
        _ => InstructionClass.System,
    };

    static InstructionClass OfLegacy(in Instruction i)
    {
        foreach (var f in i.CpuidFeatures)
        {
            switch (f)
            {
                case CpuidFeature.AES or CpuidFeature.PCLMULQDQ or CpuidFeature.SHA: return InstructionClass.Crypto;
                case CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387: return InstructionClass.X87;
                case CpuidFeature.MMX: return InstructionClass.Mmx;
                case >= CpuidFeature.SSE and <= CpuidFeature.SSSE3: return InstructionClass.Sse;
            }
        }
        return InstructionClass.Other;
    }

    /// <summary>VEX and EVEX: vectors, but for the bit manipulation groups, which work on general registers.</summary>
    static InstructionClass OfVector(in Instruction i)
    {
        foreach (var f in i.CpuidFeatures)
        {
            if (f is CpuidFeature.BMI1 or CpuidFeature.BMI2) return InstructionClass.Bit;
            if (f is CpuidFeature.AES or CpuidFeature.PCLMULQDQ or CpuidFeature.VAES or CpuidFeature.VPCLMULQDQ) return InstructionClass.Crypto;
        }
        return InstructionClass.Avx;
    }

    /// <summary>A move to or from a segment, control, debug or test register.</summary>
    static bool Selects(Code c) => c is Code.Mov_rm16_Sreg or Code.Mov_r32m16_Sreg or Code.Mov_r64m16_Sreg or Code.Mov_Sreg_rm16 or Code.Mov_Sreg_r32m16 or Code.Mov_Sreg_r64m16
        || c.ToString() is var name && (name.Contains("_cr", StringComparison.Ordinal) || name.Contains("_dr", StringComparison.Ordinal) || name.Contains("_tr", StringComparison.Ordinal));

    static Dictionary<Mnemonic, InstructionClass> Table()
    {
        var t = new Dictionary<Mnemonic, InstructionClass>();
        void Are(InstructionClass c, params Mnemonic[] all) { foreach (var m in all) t[m] = c; }
        void Each(InstructionClass c, string prefix) { foreach (var cc in "o no b ae e ne be a s ns p np l ge le g".Split(' ')) t[Enum.Parse<Mnemonic>(prefix + cc, ignoreCase: true)] = c; }

        Are(InstructionClass.Move, Mov, Movzx, Movsx, Movsxd, Movnti, Movbe, Xchg, Cmpxchg, Cmpxchg8b, Cmpxchg16b, Xlatb, Bswap, Cbw, Cwde, Cdqe, Cwd, Cdq, Cqo);
        Are(InstructionClass.Stack, Push, Pop, Pushfq, Popfq, Pushf, Popf, Enter, Leave);
        Are(InstructionClass.Arithmetic, Add, Sub, Adc, Sbb, Inc, Dec, Neg, Xadd, Adcx, Adox);
        Are(InstructionClass.Multiply, Mul, Imul, Div, Idiv, Mulx);
        Are(InstructionClass.Compare, Cmp, Test);
        Are(InstructionClass.Logic, And, Or, Xor, Not, Andn);
        Are(InstructionClass.Shift, Shl, Sal, Shr, Sar, Rol, Ror, Rcl, Rcr, Shld, Shrd, Sarx, Shlx, Shrx, Rorx);
        Are(InstructionClass.Bit, Bt, Bts, Btr, Btc, Bsf, Bsr, Popcnt, Lzcnt, Tzcnt, Crc32);
        Are(InstructionClass.Flag, Clc, Stc, Cmc, Cld, Std, Lahf, Sahf);
        Are(InstructionClass.Address, Lea);
        Are(InstructionClass.Nop, Nop, Reservednop, Endbr64, Endbr32, Pause, Prefetcht0, Prefetcht1, Prefetcht2, Prefetchnta, Prefetchw);
        Are(InstructionClass.SystemCall, Syscall, Sysenter);
        Are(InstructionClass.System, Cpuid, Xgetbv, Rdtsc, Rdtscp, Rdrand, Rdseed, Hlt, Ud2, Int3, Mfence, Lfence, Sfence, Clflush, Rdfsbase, Rdgsbase, Wrfsbase, Wrgsbase, Fxsave, Fxrstor, Fxsave64, Fxrstor64, Xsave, Xrstor, Xsave64, Xrstor64, Xsavec, Xsavec64, Xsaveopt, Xsaveopt64);
        Each(InstructionClass.SetCondition, "set");
        Each(InstructionClass.ConditionalMove, "cmov");
        return t;
    }
}
