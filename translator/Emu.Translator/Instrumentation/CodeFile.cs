using Emu.Instrumentation;
using Emu.Translator.Closure;
using Emu.Translator.Elf;

namespace Emu.Translator.Instrumentation;

/// <summary>A file that guest code comes from, where it is mapped: what passes are told of an address is read there.</summary>
/// <param name="Name">Without its folder.</param>
public sealed record CodeFile(string Name, AddressRange Pages, Lazy<Image> Image)
{
    public static CodeFile Of(string path, Image image)
    {
        var (from, to) = Module.RangeOf(image);
        return new(Path.GetFileName(path), new(from, to), new(image));
    }

    IReadOnlyDictionary<ulong, string>? slots;

    /// <summary>The function whose address the dynamic linker puts there.</summary>
    public string? ImportAt(ulong slot) => (slots ??= Image.Value.Slots()).GetValueOrDefault(slot);

    /// <summary>Where a function begins, as far as the file tells: its symbol, its frame description, its section, its segment.</summary>
    public ulong FunctionAt(ulong pc) => Image.Value.Symbols.Find(pc)?.Address ?? Image.Value.FrameAt(pc)?.Start
        ?? Image.Value.Sections.FirstOrDefault(s => s.IsAllocated && pc - s.Address < s.Size)?.Address ?? Image.Value.SegmentAt(pc)?.Address ?? Pages.From;

    public GuestSymbol? SymbolAt(ulong pc) => Image.Value.Symbols.Find(pc) is { } s ? new(s.Name, s.Address, pc - s.Address) : null;
}
