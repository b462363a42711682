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
        r[Fxsave] = r[Fxsave64] = x => { x.E.Set("mxcsr", x.E.Native("stmxcsr", I32, null)); x.E.Set("operand", x.Linear(0)); x.E.Helper("fxsave"); };
        r[Fxrstor] = r[Fxrstor64] = x =>
        {
            x.E.Set("operand", x.Linear(0));
            x.E.Helper("fxrstor");
            x.E.Native("ldmxcsr", I32, null, x.E.Get(I32, "mxcsr"));
            x.E.Native("fldcw", I16, null, x.E.Get(I16, "fcw"));
        };
        foreach (var m in new[] { Nop, Reservednop, Endbr64, Endbr32, Pause, Prefetcht0, Prefetcht1, Prefetcht2, Prefetchnta, Prefetchw, Prefetch, Clflush, Clflushopt, Rdsspq, Rdsspd, Sfence, Lfence }) r[m] = x => { };
        r[Mfence] = x => x.E.Native("mfence", I64, null);

        r[Ud2] = x => x.E.Trap(Signal.Ill, "ud2");
        r[Ud0] = r[Ud1] = x => x.E.Trap(Signal.Ill, "ud");
        r[Int1] = x => x.E.Trap(Signal.Trap, "int1");
        r[Int3] = x => x.E.Trap(Signal.Trap, "int3");
        r[Iced.Intel.Mnemonic.Int] = x => x.E.Trap(Signal.Segv, x.Immediate == 0x80 ? "int 0x80: the 32-bit system call interface is not supported" : $"{x.Instruction}");
        foreach (var m in new[] { Hlt, Cli, Sti, In, Out, Insb, Insw, Insd, Outsb, Outsw, Outsd, Iretq, Lgdt, Lidt, Ltr, Rdmsr, Wrmsr, Invlpg, Wbinvd, Invd, Clts, Swapgs, Sysretq, Sysexitq })
            r[m] = x => x.E.Trap(Signal.Segv, $"privileged {x.Instruction}");
    }
}
