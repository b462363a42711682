using System.Runtime.InteropServices;
using System.Text.Json;
using Emu.Instrumentation;

namespace Emu.Plugins;

/// <summary>A binary trace of every access to memory, in order: pc, address, size, kind and, if asked for, the value.</summary>
[Plugin("memtrace", "a trace of every memory access")]
public sealed class MemoryTrace : InstrumentationPass
{
    const ushort Write = 1, Locked = 2;

    /// <summary>20 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    readonly record struct Access(ulong Pc, ushort Size, ushort Kind, ulong Address);

    /// <summary>36 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    readonly record struct ValuedAccess(ulong Pc, ushort Size, ushort Kind, ulong Address, ulong Value, ulong ValueHigh);

    Stream<Access>? plain;
    Stream<ValuedAccess>? valued;

    [Option("value", "on: with what was read or written, up to 16 bytes (off)")]
    public bool Value { get; set; }

    [Option("file", "a file for the trace alone (in the data file)")]
    public string? File { get; set; }

    [Option("head", "how many accesses to print (all)")]
    public long Head { get; set; } = long.MaxValue;

    public override void Start()
    {
        if (Value) valued = new("trace") { Path = File };
        else plain = new("trace") { Path = File };
    }

    public override void Memory(MemorySite at)
    {
        int kind = (at.IsStore ? Write : 0) | (at.IsLocked ? Locked : 0);
        if (plain != null) at.Append(plain, at.Instruction.Address, at.Size, kind, at.Address);
        else at.Append(valued!, at.Instruction.Address, at.Size, kind, at.Address, at.Value, at.ValueHigh);
    }

    public override void Report(Collected data, TextWriter to)
    {
        foreach (var a in Accesses(data))
            to.WriteLine($"0x{a.Pc:x} 0x{a.Address:x} {a.Size} {Name(a.Kind)}{(Value ? " " + Hex(a) : "")}");
    }

    public override void ReportJson(Collected data, Utf8JsonWriter to)
    {
        to.WriteObjects("accesses", Accesses(data), a =>
        {
            to.WriteNumber("pc", a.Pc);
            to.WriteNumber("address", a.Address);
            to.WriteNumber("size", a.Size);
            to.WriteString("kind", Name(a.Kind));
            if (Value) to.WriteString("value", Hex(a));
        });
    }

    IEnumerable<ValuedAccess> Accesses(Collected data)
    {
        var all = valued != null ? data.Records(valued) : data.Records(plain!).Select(a => new ValuedAccess(a.Pc, a.Size, a.Kind, a.Address, 0, 0));
        return all.TakeWhile((_, n) => n < Head);
    }

    /// <summary>R or W; of an atomic instruction RL or WL.</summary>
    static string Name(ushort kind) => ((kind & Write) != 0 ? "W" : "R") + ((kind & Locked) != 0 ? "L" : "");

    static string Hex(ValuedAccess a) => $"0x{new UInt128(a.ValueHigh, a.Value):x}";
}
