using Emu.Instrumentation;

namespace Emu.Tests.Instrumentation;

/// <summary>Uses every site and place: before and after, registers, values.</summary>
[Plugin("everything")]
sealed class Everything : InstrumentationPass
{
    readonly Counters hits = new("hits");
    readonly Probe enter = Probe.FromC("p.c", "enter"), before = Probe.FromC("p.c", "before"), after = Probe.FromC("p.c", "after"), access = Probe.FromC("p.c", "access"), call = Probe.FromC("p.c", "call");

    public override void Block(BlockSite at) => at.Call(enter, at.Address, at.Instructions.Count, at.Length, at.Register("rsp"));

    public override void Instruction(InstructionSite at)
    {
        at.Count(hits);
        at.Before.Call(before, at.Register("rip"), at.Register("rflags"), at.Register("dl"), at.Register("ah"));
        if (at.HasAfter) at.After.Call(after, at.Register("rip"), at.Register("rax"));
    }

    public override void Memory(MemorySite at)
    {
        at.Before.Count(hits, key: 1);
        at.After.Call(access, at.Address, at.Size, at.IsStore, at.IsLocked, at.Value, at.ValueHigh, at.Register("rax"));
    }

    public override void SystemCall(SystemCallSite at)
    {
        at.Call(call, at.Address, at.Number, at.Argument(0), at.Argument(5));
        at.After.Call(call, at.Number, at.Result, at.Argument(3), at.Register("rip"));
    }

    public override void Signal(SignalSite at) => at.Call(call, at.Number, at.Code, at.Handler, at.Pc, at.Register("rip"), at.Register("rsp"));
}

/// <summary>Asks for a loaded value before the load.</summary>
[Plugin("early")]
sealed class TooEarly : InstrumentationPass
{
    readonly Probe access = Probe.FromC("p.c", "access");

    public override void Memory(MemorySite at) => at.Before.Call(access, at.Value);
}

/// <summary>Asks for the result of a system call before it.</summary>
[Plugin("impatient")]
sealed class Impatient : InstrumentationPass
{
    readonly Probe result = Probe.FromC("p.c", "result");

    public override void SystemCall(SystemCallSite at) => at.Call(result, at.Result);
}

/// <summary>Wants to act after a return.</summary>
[Plugin("late")]
sealed class TooLate : InstrumentationPass
{
    readonly Counters hits = new("hits");

    public override void Instruction(InstructionSite at) => at.After.Count(hits);
}

/// <summary>Appends records that may begin with 8 zero bytes.</summary>
[Plugin("unmarked")]
sealed class Unmarked : InstrumentationPass
{
    readonly record struct Pair(ulong A, ulong B);
    readonly Stream<Pair> pairs = new("pairs");

    public override void Block(BlockSite at) => at.Append(pairs, at.Register("rax"), at.Address);
}

/// <summary>Appends addresses of 64 bits to a field of 32.</summary>
[Plugin("cutting")]
sealed class Cutting : InstrumentationPass
{
    readonly record struct Pair(ulong Pc, uint Address, uint Size);
    readonly Stream<Pair> pairs = new("pairs");

    public override void Memory(MemorySite at) => at.Append(pairs, at.Instruction.Address, at.Address, at.Size);
}

/// <summary>One option of every type, and a stream with a file of its own.</summary>
[Plugin("options", "a plugin with options")]
sealed class Options : InstrumentationPass
{
    public enum Colour { Red, Green }

    [Option("text")] public string? Text { get; set; }
    [Option("flag")] public bool Flag { get; set; }
    [Option("int")] public int Int { get; set; }
    [Option("ulong")] public ulong? ULong { get; set; }
    [Option("colour")] public Colour Colours { get; set; }
}
