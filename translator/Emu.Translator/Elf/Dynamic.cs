namespace Emu.Translator.Elf;

/// <summary>The entries of PT_DYNAMIC (gABI, "Dynamic Section"); values as in the file, without the load base.</summary>
internal sealed class Dynamic
{
    public const ulong Needed = 1, StrTab = 5, SymTab = 6, Rela = 7, RelaSize = 8, StrSize = 10, Init = 12, Fini = 13,
        JmpRel = 23, PltRelSize = 2, InitArray = 25, FiniArray = 26, InitArraySize = 27, FiniArraySize = 28,
        PreinitArray = 32, PreinitArraySize = 33, RelrSize = 35, Relr = 36, SoName = 14, RPath = 15, RunPath = 29;

    readonly Dictionary<ulong, ulong> entries = [];
    readonly List<ulong> needed = [];

    public Dynamic(ReadOnlySpan<byte> bytes)
    {
        var at = new Cursor(bytes);
        while (at.Position + 16 <= bytes.Length)
        {
            var (tag, value) = (at.U64(), at.U64());
            if (tag == 0) break;
            entries.TryAdd(tag, value);
            if (tag == Needed) needed.Add(value);
        }
    }

    /// <summary>Offsets of the names of all DT_NEEDED entries, in order.</summary>
    public IReadOnlyList<ulong> AllNeeded => needed;

    public ulong? this[ulong tag] => entries.TryGetValue(tag, out var value) ? value : null;
}
