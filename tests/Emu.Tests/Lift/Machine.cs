using System.Numerics;
using Emu.Ir;
using Emu.Translator.X86;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Everything an instruction can change: registers and the scratch memory; and where it went, or the signal it raised.</summary>
sealed class Machine : IMemory
{
    public State State { get; private init; } = new();
    public byte[] Memory { get; private init; } = new byte[HostMemory.ScratchSize];
    public ulong Pc { get; set; }

    /// <summary>0: none.</summary>
    public int Signal { get; set; }

    /// <summary>The middle of the scratch memory, where operands are put: a page ends there.</summary>
    public const ulong Middle = HostMemory.Scratch + HostMemory.ScratchSize / 2;

    /// <summary>Where a sample's short branch goes, and any other (tests/lift/arena.c).</summary>
    public const ulong Near = HostMemory.Slot + 0x60, Elsewhere = HostMemory.Slot + 0x800;

    public Machine Copy() => new() { State = State.Copy(), Memory = [.. Memory] };

    public void CopyTo(Machine to)
    {
        State.Bytes.CopyTo(to.State.Bytes, 0);
        Memory.CopyTo(to.Memory, 0);
        (to.Pc, to.Signal) = (0, 0);
    }

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

    /// <summary>Runs IR.</summary>
    public void Interpret(Function f)
    {
        var native = new NativeExecutor(State, this);
        try
        {
            var exit = new Interpreter(State, this, native).Run(f);
            (Pc, Signal) = exit.Kind == ExitKind.Trap ? (0, exit.Signal) : (exit.Pc, 0);
        }
        catch (GuestFault fault) { (Pc, Signal) = (0, fault.Signal); }
    }

    /// <summary>Every difference from <paramref name="cpu"/> but those in undefined flags; empty if there is none.</summary>
    /// <param name="afterFault">Of compiled code: its registers are not known, but those that are the host's own.</param>
    /// <param name="exceptions">Whether those in MXCSR are to be the same.</param>
    public string Differences(Machine cpu, Flag undefined, bool afterFault = false, bool exceptions = true)
    {
        if (Signal != cpu.Signal) return $"signal {Signal}, CPU {cpu.Signal}";
        var text = new List<string>();
        void Say(string what, object mine, object theirs) { if (!mine.Equals(theirs)) text.Add($"{what} {mine}, CPU {theirs}"); }
        for (int n = 0; n < 8; n++) Compare($"st{n}", 10);
        foreach (var name in new[] { "ftop", "ftag", "fcw", "fsw" }) Say(name, $"{State[name]:x}", $"{cpu.State[name]:x}");
        ulong compared = exceptions ? ~0ul : ~0x3ful;
        Say("mxcsr", $"{State["mxcsr"] & compared:x}", $"{cpu.State["mxcsr"] & compared:x}");
        if (!afterFault)
        {
            foreach (var name in GuestState.Gprs) Compare(name, 8);
            for (int n = 0; n < 16; n++) Compare($"ymm{n}", 32);
            foreach (var name in new[] { "df", "fsbase", "gsbase" }) Say(name, State[name], cpu.State[name]);
            Say("flags", FlagTable.Letters(State.Flags & ~undefined), FlagTable.Letters(cpu.State.Flags & ~undefined));
            if (Signal == 0) Say("pc", $"{Pc:x}", $"{cpu.Pc:x}");
        }
        int at = Memory.AsSpan().CommonPrefixLength(cpu.Memory);
        if (at < Memory.Length) Say($"memory at {at:x}", Convert.ToHexString(Memory.AsSpan(at & ~15, 16)), Convert.ToHexString(cpu.Memory.AsSpan(at & ~15, 16)));
        return string.Join("; ", text);

        void Compare(string name, int bytes)
        {
            BigInteger mine = State.Get(new(name), bytes), theirs = cpu.State.Get(new(name), bytes);
            if (mine != theirs) text.Add($"{name} {mine:x}, CPU {theirs:x}");
        }
    }
}
