using System.Numerics;
using Emu.Ir;
using Emu.Translator.X86;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Everything an instruction can change: registers and the scratch memory; and the PC it went to.</summary>
sealed class Machine : IMemory
{
    public State State { get; private init; } = new();
    public byte[] Memory { get; private init; } = new byte[HostMemory.ScratchSize];
    public ulong Pc { get; set; }

    /// <summary>The middle of the scratch memory, where operands are put.</summary>
    public const ulong Middle = HostMemory.Scratch + 0x2000;

    public Machine Copy() => new() { State = State.Copy(), Memory = [.. Memory] };

    public void Load(ulong address, Span<byte> to) => Place(address, to.Length).CopyTo(to);
    public void Store(ulong address, ReadOnlySpan<byte> from) => from.CopyTo(Place(address, from.Length));

    Span<byte> Place(ulong address, int size) =>
        address - HostMemory.Scratch <= (ulong)(HostMemory.ScratchSize - size) ? Memory.AsSpan((int)(address - HostMemory.Scratch), size) : throw new GuestFault(11, $"bad address 0x{address:x}");

    /// <summary>Lifts the instructions in <paramref name="code"/>, as if found at the slot; the last block goes on at the address after them.</summary>
    public static Function Lift(byte[] code, bool explodeRep, ulong name = HostMemory.Slot, bool withText = false)
    {
        var f = new Function(name);
        var e = new Emitter(f);
        e.Begin(HostMemory.Slot);
        var decoder = Decoder.Create(64, code, HostMemory.Slot);
        while (decoder.IP < HostMemory.Slot + (ulong)code.Length && !e.IsEnded)
        {
            var i = decoder.Decode();
            Rules.LiftInto(e, i, explodeRep, withText ? i.ToString() : null);
        }
        if (!e.IsEnded) e.Goto(decoder.IP);
        return f;
    }

    /// <summary>Runs IR; a trap or a fault of the guest is thrown.</summary>
    public void Interpret(Function f)
    {
        var native = new NativeExecutor(State, this);
        var exit = new Interpreter(State, this, native).Run(f);
        if (exit.Kind == ExitKind.Trap) throw new GuestFault(exit.Signal, exit.Text!);
        Pc = exit.Pc;
    }

    /// <summary>Runs what <see cref="Hardware.Prepare"/> was given.</summary>
    public void Execute()
    {
        Memory.CopyTo(HostMemory.At(HostMemory.Scratch, HostMemory.ScratchSize));
        Pc = Hardware.Run(State);
        HostMemory.At(HostMemory.Scratch, HostMemory.ScratchSize).CopyTo(Memory);
    }

    /// <summary>Every difference from <paramref name="cpu"/> but those in undefined flags and other bits of the x87 status than <paramref name="codes"/>; empty if there is none.</summary>
    public string Differences(Machine cpu, Flag undefined, ulong codes = 0xffff)
    {
        var text = new List<string>();
        void Say(string what, object mine, object theirs) { if (!mine.Equals(theirs)) text.Add($"{what} {mine}, CPU {theirs}"); }
        foreach (var name in GuestState.Gprs) Say(name, $"{State[name]:x}", $"{cpu.State[name]:x}");
        for (int n = 0; n < 16; n++) Say($"ymm{n}", Hex($"ymm{n}", 32), cpu.Hex($"ymm{n}", 32));
        for (int n = 0; n < 8; n++) Say($"st{n}", Hex($"st{n}", 10), cpu.Hex($"st{n}", 10));
        foreach (var name in new[] { "df", "ftop", "ftag", "fcw" }) Say(name, State[name], cpu.State[name]);
        Say("fsw", $"{State["fsw"] & codes:x}", $"{cpu.State["fsw"] & codes:x}");
        Say("mxcsr", $"{State["mxcsr"]:x}", $"{cpu.State["mxcsr"]:x}");
        Say("flags", FlagTable.Letters(State.Flags & ~undefined), FlagTable.Letters(cpu.State.Flags & ~undefined));
        Say("pc", $"{Pc:x}", $"{cpu.Pc:x}");
        int at = Memory.AsSpan().CommonPrefixLength(cpu.Memory);
        if (at < Memory.Length) Say($"memory at {at:x}", Convert.ToHexString(Memory.AsSpan(at & ~15, 16)), Convert.ToHexString(cpu.Memory.AsSpan(at & ~15, 16)));
        return string.Join("; ", text);
    }

    string Hex(string register, int bytes) => $"{State.Get(new(register), bytes):x}";
}
