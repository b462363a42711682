using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>What is known of a value: what a register held where the region was entered, or a place on the stack, and an offset.</summary>
/// <param name="Base">Below 48: a register at the entry (<see cref="FrameState"/> numbers them). From <see cref="FirstPlace"/> on: a place on the stack.</param>
readonly record struct Known(int Base, long Offset)
{
    public const int FirstPlace = 100;

    /// <summary>Anything; one of several things, of which one is the return address; the return address; a number.</summary>
    public static readonly Known Nothing = new(-1, 0), Mixed = new(-2, 0), Return = new(-3, 0);

    public static Known Number(ulong bits) => new(-4, (long)bits);

    public bool IsNumber => Base == -4;

    /// <summary>Whether it is an address on the stack that the region was entered on.</summary>
    public bool IsPlace => Base is FrameState.Rsp or FrameState.Rbp or >= FirstPlace;

    public static Known operator +(Known a, long offset) => a.Base >= 0 ? a with { Offset = a.Offset + offset } : Nothing;
}

/// <summary>
/// Registers (general ones, then low and high halves of vector registers) and stack slots at one point of a region. A slot that is not listed has not
/// been written since the region was entered.
/// </summary>
sealed class FrameState
{
    public const int Rsp = 4, Rbp = 5, Low = 16, High = 32, Registers = 48;
    const int MostSlots = 64;

    readonly Known[] registers;
    readonly List<(Known Place, Known Value, int Size)> slots;

    public FrameState()
    {
        registers = [.. Enumerable.Range(0, Registers).Select(n => new Known(n, 0))];
        slots = [(new(Rsp, 0), Known.Return, 8)];
    }

    FrameState(FrameState other) => (registers, slots) = ([.. other.registers], [.. other.slots]);

    public FrameState Copy() => new(this);

    public Known this[int register]
    {
        get => registers[register];
        set => registers[register] = value;
    }

    /// <summary>What was stored at a place; null: nothing since the region was entered.</summary>
    public Known? At(Known place, int size)
    {
        foreach (var slot in slots) if (slot.Place == place) return slot.Size == size ? slot.Value : Known.Nothing;
        return null;
    }

    public void Store(Known place, Known value, int size)
    {
        if (!place.IsPlace) return;
        slots.RemoveAll(s => s.Place.Base == place.Base && s.Place.Offset < place.Offset + size && place.Offset < s.Place.Offset + s.Size);
        // Of the many words of a large frame those that are kept from the caller matter.
        if (slots.Count < MostSlots || value != Known.Nothing || place is { Base: Rsp, Offset: >= 0 }) slots.Add((place, value, size));
    }

    /// <summary>A place that is computed anew: what was relative to the last one is not known any more.</summary>
    public void Forget(int place)
    {
        slots.RemoveAll(s => s.Place.Base == place);
        for (int n = 0; n < Registers; n++) if (registers[n].Base == place) registers[n] = Known.Nothing;
    }

    /// <summary>Becomes what holds whether this or <paramref name="other"/> does; false: it did already.</summary>
    /// <param name="place">A name for the stack pointer where they differ in it.</param>
    public bool Join(FrameState other, int place)
    {
        bool changed = false;
        for (int n = 0; n < Registers; n++)
        {
            if (registers[n] == other.registers[n] || registers[n] == Known.Nothing || n == Rsp && registers[n] == new Known(place, 0)) continue;
            registers[n] = n == Rsp && registers[n].IsPlace && other.registers[n].IsPlace ? new(place, 0) : Known.Nothing;
            changed = true;
        }
        for (int n = slots.Count; n-- > 0;)
        {
            var slot = slots[n];
            var there = other.At(slot.Place, slot.Size);
            if (there == slot.Value) continue;
            var both = slot.Value == Known.Return || slot.Value == Known.Mixed || there == Known.Return || there == Known.Mixed ? Known.Mixed : Known.Nothing;
            if (there != null && both == slot.Value) continue;
            changed = true;
            if (there == null) slots.RemoveAt(n);
            else slots[n] = slot with { Value = both };
        }
        return changed;
    }
}
