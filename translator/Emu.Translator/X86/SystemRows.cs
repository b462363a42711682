using Emu.Ir;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>System calls, identification, hints, and what user mode may not execute.</summary>
static class SystemRows
{
    public static void Define(Rules r)
    {
        r[Syscall] = x => x.E.Syscall(x.Next);
        r[Cpuid] = x => x.E.Helper("cpuid");
        r[Xgetbv] = x => x.E.Helper("xgetbv");
        r[Rdtsc] = x => { V t = x.E.Native("rdtsc", I64, null); x.E.Set("rax", t & 0xffffffff); x.E.Set("rdx", t >> 32); };
        r[Rdtscp] = x => { V t = x.E.Native("rdtsc", I64, null), aux = x.E.Native("tscaux", I64, null); x.E.Set("rax", t & 0xffffffff); x.E.Set("rdx", t >> 32); x.E.Set("rcx", aux); };
        foreach (var m in new[] { Fxsave, Fxsave64, Fxrstor, Fxrstor64, Xsave, Xsave64, Xsavec, Xsavec64, Xsaveopt, Xsaveopt64, Xrstor, Xrstor64 }) r[m] = x => x.MakeImage(x.Name());
        foreach (var m in hints) r[m] = x => { };
        r[Mfence] = x => x.E.Native("mfence", I64, null);
        r[Pause] = x => x.E.Native("pause", I64, null);
        r[Rdrand] = r[Rdseed] = x => x.RandomNumber(x.Instruction.Mnemonic == Rdseed ? "rdseed" : "rdrand");
        r[Rdpid] = x => x.Write(0, x.E.Native("tscaux", I64, null));
        r[Rdfsbase] = x => x.Write(0, x.E.Get(I64, "fsbase").Fit(x.Type(0)));
        r[Rdgsbase] = x => x.Write(0, x.E.Get(I64, "gsbase").Fit(x.Type(0)));
        // Where the guest's fs is the host's gs, its base must be there too.
        r[Wrfsbase] = x => { V to = x.Read(0).Zext(I64); x.E.Native("wrfsbase", I64, null, to); x.E.Set("fsbase", to); };
        r[Wrgsbase] = x => x.E.Set("gsbase", x.Read(0).Zext(I64));

        r[Ud2] = x => x.E.Trap(Signal.Ill, "ud2");
        r[Ud0] = r[Ud1] = x => x.E.Trap(Signal.Ill, "ud");
        r[Int1] = x => x.E.Trap(Signal.Trap, "int1");
        r[Int3] = x => x.E.Trap(Signal.Trap, "int3");
        r[Iced.Intel.Mnemonic.Int] = Interrupt;
        r[Lar] = r[Lsl] = x => x.Descriptor(x.Instruction.Mnemonic == Lar ? "lar" : "lsl");
        r[Verr] = r[Verw] = x => x.E.SetFlag(Flag.Z, x.E.Native(x.Instruction.Mnemonic == Verr ? "verr" : "verw", I64, null, x.Read(0, I16).Zext(I64)).Trunc(I1));
        // Linux answers for those that UMIP forbids (arch/x86/kernel/umip.c).
        r[Sldt] = r[Str] = r[Smsw] = x => x.Write(0, x.E.Native($"{x.Instruction.Mnemonic}".ToLowerInvariant(), I64, null).Fit(x.Type(0)));
        r[Sgdt] = r[Sidt] = x => x.TableRegister(x.Instruction.Mnemonic == Sgdt ? "sgdt" : "sidt");
        r[Sysenter] = x => x.E.Trap(Signal.Ill, "sysenter: it has no meaning in a 64-bit program");
        r[Rdpmc] = x => x.E.Trap(Signal.Segv, $"privileged {x.Instruction}"); // unless CR4.PCE is set
    }

    /// <summary>3 is the breakpoint's; other gates are not for user mode.</summary>
    static void Interrupt(Lift x)
    {
        if (x.Immediate == 0x80) x.E.Helper(SystemCalls.OldHelper);
        else if (x.Immediate == 3) x.E.Trap(Signal.Trap, "int3");
        else x.E.Trap(Signal.Segv, $"{x.Instruction}");
    }

    static readonly Iced.Intel.Mnemonic[] hints =
    [
        Nop, Reservednop, Endbr64, Endbr32, Rdsspq, Rdsspd, Prefetcht0, Prefetcht1, Prefetcht2, Prefetchnta, Prefetchw, Prefetch, Prefetchwt1, Prefetchit0, Prefetchit1,
        Clflush, Clflushopt, Clwb, Cldemote, Sfence, Lfence,
    ];

    /// <summary>A selector's limit or rights, where it may be looked at: bit 32 of the native's result says so.</summary>
    static void Descriptor(this Lift x, string name)
    {
        V v = x.E.Native(name, I64, null, x.Read(1, I16).Zext(I64)), valid = (v >> 32).Trunc(I1);
        string to = Lift.Full(x.Instruction.Op0Register);
        if (x.Bits(0) == 16) x.Write(0, x.E.Select(valid, v.Trunc(I16), x.Read(0)));
        else x.E.Set(to, x.E.Select(valid, v & 0xffffffff, x.E.Get(I64, to)));
        x.E.SetFlag(Flag.Z, valid);
    }

    /// <summary>A limit of 16 bits and a base of 64.</summary>
    static void TableRegister(this Lift x, string name)
    {
        x.E.Store(x.Address(0), x.E.Native(name + "_limit", I16, null), x.Segment);
        x.E.Store(x.Address(0) + 2, x.E.Native(name + "_base", I64, null), x.Segment);
    }

    /// <summary>CF says whether there was a number; a 64-bit 0 is taken for none, and the guest tries again.</summary>
    static void RandomNumber(this Lift x, string name)
    {
        V v = x.E.Native(name, I64, null);
        x.Write(0, v.Fit(x.Type(0)));
        foreach (var f in new[] { Flag.O, Flag.S, Flag.Z, Flag.A, Flag.P }) x.E.SetFlag(f, x.E.Const(I1, 0L));
        x.E.SetFlag(Flag.C, v.Icmp(Predicate.Ne, 0));
    }
}
