namespace Emu.Ir;

/// <summary>A run of bytes in a guest register: <c>rax</c>, <c>rax+1</c> (ah), <c>ymm3+16</c>. The type says how many.</summary>
public readonly record struct Reg(string Name, int Byte = 0)
{
    public override string ToString() => Byte == 0 ? Name : $"{Name}+{Byte}";
    public static Reg Parse(string s) => s.Split('+') is [var n, var b] ? new(n, int.Parse(b)) : new(s);
}

/// <summary>The guest state: every register's place and size, in bytes, in <c>struct emu_state</c> (runtime/core/emu.h).</summary>
/// <remarks>
/// <c>acid</c> holds bits 16 to 23 of RFLAGS: AC, which has no effect here, and ID; in its lowest bits, TF and what TF was before <c>popf</c>. st0 ... st7 are relative to <c>ftop</c>: st(i) lives in physical register (ftop + i) mod 8. Two registers belong to no guest and
/// carry values between the blocks of one region: <c>index</c>, a jump table's index from the load to the jump, and <c>lanes</c>, what a
/// masked load has got so far. <c>event0</c> to <c>event3</c> are what the core says of an event, the last one the guest's PC; after a watched
/// system call <c>event0</c> is its number.
/// </remarks>
public static class GuestState
{
    public const int Rip = 0x80, Flags = 0x88, X87 = 0xb0, Vectors = 0x140, Streams = 0x340, HostLimit = 0x3c0, TrapSignal = 0x3c8, TrapText = 0x3d0, Operand = 0x3d8, Form = 0x3e0, Event = 0x3e8, Probe = 0x408, Size = 0x410;

    /// <summary>Bytes of the registers that are no guest's: they end at offset 0.</summary>
    public const int LocalSize = 64;

    /// <summary>The sixteen general registers in hardware encoding order.</summary>
    public static readonly IReadOnlyList<string> Gprs = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>The status flags in the order of their bytes at <see cref="Flags"/>; df follows as a register.</summary>
    public static readonly IReadOnlyList<(Flag Flag, char Letter, int RflagsBit)> FlagBytes =
        [(Flag.O, 'o', 11), (Flag.S, 's', 7), (Flag.Z, 'z', 6), (Flag.A, 'a', 4), (Flag.P, 'p', 2), (Flag.C, 'c', 0)];

    static readonly Dictionary<string, (int Offset, int Size)> places = Places();

    static Dictionary<string, (int, int)> Places()
    {
        var p = new Dictionary<string, (int, int)>();
        for (int n = 0; n < 16; n++) p[Gprs[n]] = (8 * n, 8);
        for (int n = 0; n < 16; n++) p[$"ymm{n}"] = (Vectors + 32 * n, 32);
        for (int n = 0; n < 8; n++) p[$"st{n}"] = (X87 + 16 * n, 16);
        foreach (var (name, at, size) in new[] { ("df", 0x8e, 1), ("acid", 0x8f, 1), ("fsbase", 0x90, 8), ("gsbase", 0x98, 8), ("fcw", 0xa0, 2), ("fsw", 0xa2, 2), ("ftop", 0xa4, 1), ("ftag", 0xa5, 1), ("mxcsr", 0xa8, 4), ("index", -LocalSize, 8), ("lanes", -32, 32), ("operand", Operand, 8), ("event0", Event, 8), ("event1", Event + 8, 8), ("event2", Event + 16, 8), ("event3", Event + 24, 8) })
            p[name] = (at, size);
        return p;
    }

    public static bool IsRegister(string name) => places.ContainsKey(name);

    /// <summary>Byte offset in the state; negative for those that are no guest's: they have no place there.</summary>
    public static int Offset(string register) => places[register].Offset;

    /// <summary>Size in bytes.</summary>
    public static int SizeOf(string register) => places[register].Size;
}
