using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>
/// Guest state that is handed over only where somebody may read it: the status flags (bits as in <see cref="Flag"/>), the general
/// registers but rsp, and each half of the vector registers. What may be dropped is proved for each program, not assumed.
/// </summary>
[Flags]
public enum Transient : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Overflow flag.</summary>
    O = Flag.O,
    /// <summary>Sign flag.</summary>
    S = Flag.S,
    /// <summary>Zero flag.</summary>
    Z = Flag.Z,
    /// <summary>Adjust flag.</summary>
    A = Flag.A,
    /// <summary>Parity flag.</summary>
    P = Flag.P,
    /// <summary>Carry flag.</summary>
    C = Flag.C,
    /// <summary>The status flags.</summary>
    Flags = Flag.All,
    /// <summary>All of it.</summary>
    All = (1ul << 54) - 1,
}

/// <summary>Registers as sets of <see cref="Transient"/>.</summary>
public static class Transients
{
    const int Gpr = 6, Low = 22, High = 38;
    static readonly Dictionary<string, (int Bit, int Bytes)> pieces = Pieces();

    /// <summary>Registers that keep their value over a call (psABI 3.2.1).</summary>
    public static readonly Transient Preserved = Of("rbx rbp r12 r13 r14 r15");

    /// <summary>What a function may find from any caller (psABI 3.2.3): arguments, the static chain, the number of vector arguments, preserved registers.</summary>
    public static readonly Transient Arguments = Preserved | Of("rdi rsi rdx rcx r8 r9 r10 rax") | Vectors(8);

    /// <summary>What any caller may read after a call (psABI 3.2.3): results and preserved registers.</summary>
    public static readonly Transient Results = Preserved | Of("rax rdx") | Vectors(2);

    /// <summary>
    /// What may be in use at any call where the psABI says nothing: not flags, and of upper halves those only that it speaks of (vzeroupper writes all).
    /// </summary>
    public static readonly Transient Everything = Transient.All & ~Transient.Flags & ~(Transient)(0xfffful << High);

    /// <summary>What a system call reads (syscall(2), x86-64): its number, and so many arguments.</summary>
    public static Transient KernelTakes(int arguments) => kernelArguments.Take(arguments).Aggregate(Of("rax"), (all, r) => all | Of(r));

    static readonly string[] kernelArguments = ["rdi", "rsi", "rdx", "r10", "r8", "r9"];

    /// <summary>What the kernel overwrites.</summary>
    public static readonly Transient KernelResults = Of("rax rcx r11");

    static Dictionary<string, (int, int)> Pieces()
    {
        var all = new Dictionary<string, (int, int)>();
        for (int n = 0; n < 16; n++)
        {
            if (GuestState.Gprs[n] != "rsp") all[GuestState.Gprs[n]] = (Gpr + n, 8);
            all[$"ymm{n}"] = (Low + n, 16);
        }
        return all;
    }

    static Transient Vectors(int count) => (Transient)(((1ul << count) - 1) << Low | ((1ul << count) - 1) << High);

    /// <summary>Whole registers by name, separated by spaces.</summary>
    public static Transient Of(string registers) => registers.Split(' ').Aggregate(Transient.None, (all, r) => all | Of(r, 0) | Of(r, 1));

    /// <summary>One half (16 bytes) of a register; nothing for state that is always handed over.</summary>
    public static Transient Of(string register, int half)
    {
        if (!pieces.TryGetValue(register, out var p)) return 0;
        if (half == 0) return (Transient)(1ul << p.Bit);
        return p.Bytes == 16 ? (Transient)(1ul << (p.Bit - Low + High)) : 0;
    }

    /// <summary>What an access to a run of bytes touches.</summary>
    public static Transient Touched(Reg r, int bytes) =>
        (r.Byte < 16 ? Of(r.Name, 0) : 0) | (r.Byte + bytes > 16 ? Of(r.Name, 1) : 0);

    /// <summary>The pieces of a register whose bytes are all in <paramref name="bytes"/> (bit n: byte n).</summary>
    public static Transient Covered(string register, uint bytes)
    {
        if (!pieces.TryGetValue(register, out var p)) return 0;
        uint piece = (1u << p.Bytes) - 1;
        return ((bytes & piece) == piece ? Of(register, 0) : 0) | (bytes >> 16 == 0xffff ? Of(register, 1) : 0);
    }
}
