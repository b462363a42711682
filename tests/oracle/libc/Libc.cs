using Emu.Instrumentation;

/// <summary>Hands each system call to a probe that uses the C library, or faults.</summary>
[Plugin("libc", "probes that use the C library, or fault")]
public sealed class LibcUser : InstrumentationPass
{
    public enum Act { Work, Inlined, Called, Library, Divide }

    readonly Probe work = Probe.FromC("libc.c", "libc_work"), inlined = Probe.FromC("libc.c", "libc_inlined"), called = Probe.FromC("libc.c", "libc_called");
    readonly Probe library = Probe.FromC("libc.c", "libc_library"), divide = Probe.FromC("libc.c", "libc_divide");

    [Option("act", "what the probe does at getppid")]
    public Act Does { get; set; }

    public override void SystemCall(SystemCallSite at) => at.Call(Does switch
    {
        Act.Inlined => inlined,
        Act.Called => called,
        Act.Library => library,
        Act.Divide => divide,
        _ => work,
    }, at.Number);
}
