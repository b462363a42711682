using System.Globalization;

namespace Emu.Instrumentation;

/// <summary>Guest addresses from <paramref name="From"/> to <paramref name="To"/>, which is not included.</summary>
public readonly record struct AddressRange(ulong From, ulong To)
{
    /// <summary>How one is written, for messages.</summary>
    public const string Form = "an address range is written 0xFROM-0xTO";

    public bool Has(ulong address) => address >= From && address < To;

    /// <summary>Whether a text is meant to be one: no symbol begins so.</summary>
    public static bool IsMeant(string text) => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);

    /// <summary>Parses 0xFROM-0xTO; null where it is something else, or empty.</summary>
    public static AddressRange? Parse(string text) =>
        text.Split('-') is [var from, var to] && Address(from) is { } start && Address(to) is { } end && start < end ? new(start, end) : null;

    public override string ToString() => $"0x{From:x}-0x{To:x}";

    static ulong? Address(string s) =>
        IsMeant(s) && ulong.TryParse(s[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var n) ? n : null;
}
