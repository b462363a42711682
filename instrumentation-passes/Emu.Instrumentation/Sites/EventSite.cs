using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>What happens to the guest besides its code. Shown once, for all times that it will happen; registers are those at that moment.</summary>
public abstract class EventSite : Site
{
    private protected EventSite(Place place) => Natural = place;

    /// <summary>The PC at which the guest goes on.</summary>
    public Word Pc { get; } = Operand(3);

    private protected override Place Natural { get; }

    /// <summary>One of the words that the core gives (struct emu_state, runtime/core/emu.h).</summary>
    private protected static Word Operand(int n, int bits = 64) => Word.At(at => at.E.Get(IrType.I64, $"event{n}"), bits);
}

/// <summary>A signal that the guest has a handler for: just before the handler.</summary>
public sealed class SignalSite : EventSite
{
    internal SignalSite(Place place) : base(place) { }

    public Word Number { get; } = Operand(0, 32);

    /// <summary>si_code: why (sigaction(2)).</summary>
    public Word Code { get; } = Operand(1);

    /// <summary>The address of the handler.</summary>
    public Word Handler { get; } = Operand(2);
}

/// <summary>A file whose code has been mapped (program, dynamic linker, libraries), or is about to be unmapped.</summary>
public sealed class ModuleSite : EventSite
{
    internal ModuleSite(Place place) : base(place) { }

    /// <summary>The first address of its executable mapping.</summary>
    public Word Address { get; } = Operand(0);

    /// <summary>Bytes of that mapping.</summary>
    public Word Size { get; } = Operand(1);

    /// <summary>For a probe: the address of the file's path, which ends with a zero byte and is there until the probe returns.</summary>
    public Word Path { get; } = Operand(2);
}

/// <summary>A thread that begins or ends, in that thread. The first one begins before the first instruction.</summary>
public sealed class ThreadSite : EventSite
{
    internal ThreadSite(Place place) : base(place) { }

    /// <summary>What gettid returns in it.</summary>
    public Word Id { get; } = Operand(0, 32);
}
