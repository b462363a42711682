using System.Numerics;

namespace Emu.Ir;

/// <summary>The guest's memory as the interpreter sees it; a bad address is a <see cref="GuestFault"/>.</summary>
public interface IMemory
{
    void Load(ulong address, Span<byte> to);
    void Store(ulong address, ReadOnlySpan<byte> from);
}

/// <summary>Executes what the interpreter does not compute itself, on lanes' bit patterns.</summary>
public interface INative
{
    /// <summary>A host instruction by name; float arithmetic comes here lane by lane, as <c>addss</c>, <c>addsd</c> or <c>fadd</c>.</summary>
    BigInteger[] Run(Detail.Named what, Type result, IReadOnlyList<(Type Type, BigInteger[] Lanes)> args);

    /// <summary>A runtime helper, such as <c>cpuid</c>.</summary>
    void Helper(string name, State state);
}

/// <summary>What plugins' operations report to.</summary>
public interface IObserver
{
    void Count(Detail.Cell cell);
    void Append(string stream, IReadOnlyList<BigInteger> values);
    void Call(string probe, IReadOnlyList<BigInteger> values);
}

/// <summary>A signal that the guest's own code raises.</summary>
public sealed class GuestFault(int signal, string text) : Exception(text)
{
    public int Signal => signal;
}

/// <summary>Why interpretation of a function ended.</summary>
public enum ExitKind { Jump, Call, Ret, Syscall, Trap }

/// <summary>How a function was left: the next guest PC, or the trap's signal and text.</summary>
public sealed record Exit(ExitKind Kind, ulong Pc, int Signal = 0, string? Text = null);

/// <summary>Guest state as plain bytes, laid out as <see cref="GuestState"/> says.</summary>
public sealed class State
{
    public byte[] Bytes { get; } = new byte[GuestState.Size];
    readonly byte[] local = new byte[GuestState.LocalSize];

    public State Copy()
    {
        var s = new State();
        Bytes.CopyTo(s.Bytes, 0);
        return s;
    }

    /// <summary>A run of bytes of a register as an unsigned number; st(n) is found through ftop.</summary>
    public BigInteger Get(Reg reg, int bytes) => new(Place(reg, bytes), isUnsigned: true);

    public void Set(Reg reg, BigInteger value, int bytes)
    {
        var place = Place(reg, bytes);
        place.Clear();
        value.TryWriteBytes(place, out _, isUnsigned: true);
    }

    Span<byte> Place(Reg reg, int bytes) => Offset(reg) is >= 0 and var at ? Bytes.AsSpan(at, bytes) : local.AsSpan(GuestState.LocalSize + Offset(reg), bytes);

    /// <summary>A whole register of at most 64 bits, by name.</summary>
    public ulong this[string register]
    {
        get => (ulong)Get(new(register), GuestState.SizeOf(register));
        set => Set(new(register), value, GuestState.SizeOf(register));
    }

    public Flag Flags
    {
        get
        {
            var f = Flag.None;
            for (int n = 0; n < 6; n++) if (Bytes[GuestState.Flags + n] != 0) f |= GuestState.FlagBytes[n].Flag;
            return f;
        }
        set
        {
            for (int n = 0; n < 6; n++) Bytes[GuestState.Flags + n] = (value & GuestState.FlagBytes[n].Flag) != 0 ? (byte)1 : (byte)0;
        }
    }

    /// <summary>The flags as pushf stores them: reserved bit 1 and IF are set (Intel SDM vol. 1, 3.4.3).</summary>
    public ulong Rflags => GuestState.FlagBytes.Where(f => (Flags & f.Flag) != 0).Aggregate(0x202ul, (all, f) => all | 1ul << f.RflagsBit) | this["df"] << 10;

    int Offset(Reg reg)
    {
        string name = reg.Name;
        if (name.StartsWith("st", StringComparison.Ordinal)) name = $"st{(name[2] - '0' + Bytes[GuestState.Offset("ftop")]) & 7}";
        return GuestState.Offset(name) + reg.Byte;
    }
}
