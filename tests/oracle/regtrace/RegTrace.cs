using Emu.Instrumentation;

/// <summary>Hands rip, rflags and the sixteen registers to a probe before every instruction; compared with the single-stepper's log.</summary>
[Plugin("regtrace", "all registers before every instruction")]
public sealed class RegTrace : InstrumentationPass
{
    static readonly string[] Names =
        ["rip", "rflags", "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    readonly Probe before = Probe.FromC("regtrace.c", "before_instruction");

    public override void Instruction(InstructionSite at) => at.Call(before, [.. Names.Select(at.Register)]);
}
