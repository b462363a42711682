namespace Emu.Translator.Elf;

/// <summary>What a symbol names (gABI, "Symbol Table", st_info).</summary>
public enum SymbolKind
{
    /// <summary>STT_NOTYPE: labels of assembly code.</summary>
    None = 0,
    /// <summary>STT_OBJECT.</summary>
    Data = 1,
    /// <summary>STT_FUNC.</summary>
    Function = 2,
    /// <summary>STT_GNU_IFUNC: the address is the resolver's.</summary>
    IndirectFunction = 10,
}

/// <summary>A defined symbol. The address is a run-time address; size in bytes, 0 when unknown.</summary>
public sealed record Symbol(string Name, ulong Address, ulong Size, SymbolKind Kind, bool IsLocal)
{
    /// <summary>The symbol names code that is called as a function.</summary>
    public bool IsFunction => Kind is SymbolKind.Function or SymbolKind.IndirectFunction;

    /// <summary>The source file of a local symbol, if the table says it (STT_FILE); "": it does not.</summary>
    public string Source { get; init; } = "";
}

/// <summary>Symbols by address and by name. Of several at one address, functions, sized, global and short names come first.</summary>
public sealed class SymbolTable
{
    readonly Symbol[] byAddress;
    readonly Dictionary<string, Symbol> byName = [];

    internal SymbolTable(IEnumerable<Symbol> symbols)
    {
        byAddress = [.. symbols
            .OrderBy(s => s.Address).ThenByDescending(s => s.IsFunction).ThenByDescending(s => s.Size != 0).ThenBy(s => s.IsLocal)
            .ThenBy(s => s.Name.Length).ThenBy(s => s.Name, StringComparer.Ordinal)];
        foreach (var symbol in byAddress.OrderBy(s => s.IsLocal).ThenByDescending(s => s.IsFunction)) byName.TryAdd(symbol.Name, symbol);
    }

    /// <summary>All symbols, by address.</summary>
    public IReadOnlyList<Symbol> All => byAddress;

    /// <summary>The symbol of that name; a global one wins over a local one.</summary>
    public Symbol? this[string name] => byName.GetValueOrDefault(name);

    /// <summary>What tells a local function from others of its name: its source's name, or else its address in the file; "": there is no other.</summary>
    public string Distinction(Symbol symbol, ulong loadBase)
    {
        twins ??= byAddress.Where(s => s.IsFunction).DistinctBy(s => (s.Name, s.Address)).ToLookup(s => s.Name);
        var others = twins[symbol.Name].Where(s => s.Address != symbol.Address).ToArray();
        if (others.Length == 0 || !symbol.IsLocal) return "";
        return symbol.Source != "" && others.All(s => s.Source != symbol.Source) ? symbol.Source : $"0x{symbol.Address - loadBase:x}";
    }

    ILookup<string, Symbol>? twins;

    /// <summary>All symbols exactly at an address, best first.</summary>
    public IEnumerable<Symbol> At(ulong address)
    {
        for (var i = FirstAtOrAbove(address); i < byAddress.Length && byAddress[i].Address == address; i++) yield return byAddress[i];
    }

    /// <summary>The symbol that contains the address, or the nearest unsized one below it.</summary>
    public (string Name, ulong Offset)? Symbolize(ulong address) =>
        Find(address) is { } symbol ? (symbol.Name, address - symbol.Address) : null;

    /// <summary>Like <see cref="Symbolize"/>, the symbol itself.</summary>
    public Symbol? Find(ulong address)
    {
        const int nesting = 64;
        var above = FirstAbove(address);
        for (var i = above - 1; i >= 0 && i >= above - nesting; i--)
        {
            if (i > 0 && byAddress[i - 1].Address == byAddress[i].Address) continue;
            var symbol = byAddress[i];
            if (symbol.Size == 0 ? i + nesting > above : address - symbol.Address < symbol.Size) return symbol;
        }
        return null;
    }

    /// <summary>Where a symbol ends: one without a size where the next one begins; null: it is the last.</summary>
    public ulong? EndOf(Symbol s) =>
        s.Size != 0 ? s.Address + s.Size : FirstAbove(s.Address) is var next && next < byAddress.Length ? byAddress[next].Address : null;

    int FirstAbove(ulong address) => address == ulong.MaxValue ? byAddress.Length : FirstAtOrAbove(address + 1);

    int FirstAtOrAbove(ulong address)
    {
        var (low, high) = (0, byAddress.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (byAddress[middle].Address < address) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    const int File = 4; // STT_FILE

    /// <summary>Parses a symbol table (24-byte entries) with its strings; undefined, TLS, section and file symbols are skipped.</summary>
    internal static IEnumerable<Symbol> Parse(ReadOnlyMemory<byte> entries, ReadOnlyMemory<byte> strings, ulong loadBase)
    {
        string source = "";
        for (var offset = 24; offset + 24 <= entries.Length; offset += 24)
        {
            var entry = entries.Slice(offset, 24);
            if ((entry.Span[4] & 15) == File) source = NameOf(entries, strings, (uint)offset / 24) ?? "";
            else if (ParseOne(entry.Span, strings.Span, loadBase) is { } symbol) yield return symbol.IsLocal ? symbol with { Source = source } : symbol;
        }
    }

    /// <summary>Names of the symbols that a table refers to and does not define.</summary>
    internal static IEnumerable<string> Undefined(ReadOnlyMemory<byte> entries, ReadOnlyMemory<byte> strings)
    {
        for (var offset = 24; offset + 24 <= entries.Length; offset += 24)
        {
            var at = new Cursor(entries.Span.Slice(offset, 24));
            var (name, _, _, section) = (at.U32(), at.U8(), at.U8(), at.U16());
            if (section == 0 && name > 0 && name < strings.Length) yield return new Cursor(strings.Span) { Position = (int)name }.Text();
        }
    }

    /// <summary>The name of a table's entry, null when it has none.</summary>
    internal static string? NameOf(ReadOnlyMemory<byte> entries, ReadOnlyMemory<byte> strings, uint index)
    {
        if (index == 0 || ((long)index + 1) * 24 > entries.Length) return null;
        uint name = new Cursor(entries.Span.Slice((int)index * 24, 24)).U32();
        return name > 0 && name < strings.Length ? new Cursor(strings.Span) { Position = (int)name }.Text() : null;
    }

    static Symbol? ParseOne(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> strings, ulong loadBase)
    {
        var at = new Cursor(entry);
        var (name, info, _, section, value, size) = (at.U32(), at.U8(), at.U8(), at.U16(), at.U64(), at.U64());
        var isDefined = section is not (0 or 0xfff1 or 0xfff2);
        if (!isDefined || (info & 15) is not (0 or 1 or 2 or 10) || name >= strings.Length) return null;
        var rest = strings[(int)name..];
        var end = rest.IndexOf((byte)0);
        return end <= 0 ? null
            : new(System.Text.Encoding.UTF8.GetString(rest[..end]), value + loadBase, size, (SymbolKind)(info & 15), info >> 4 == 0);
    }
}
