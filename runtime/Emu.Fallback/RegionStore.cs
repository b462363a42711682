using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Emu.Translator.Baseline;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;

namespace Emu.Fallback;

/// <summary>The regions in the code cache, and how they get there: both tiers' code refers to the runner and to each other.</summary>
sealed unsafe class RegionStore
{
    const ulong DynamicMask = ((1 << 16) - 1) * 16;

    readonly RunnerFile runner;
    readonly CodeCache cache;
    readonly KeyNames names;
    readonly long stateOffset;
    readonly ulong cellsAt, valid, heat, dynamicTable;
    readonly Dictionary<string, ulong> stubs = [];
    readonly Dictionary<ulong, List<Version>> known = [], steps = [];
    readonly Dictionary<uint, Version> byId = [];
    readonly Lock gate = new();
    uint regions, cells;

    /// <param name="stateOffset">Of the thread's state from the thread pointer.</param>
    /// <param name="cellsAt">Where the runner has counters.</param>
    public RegionStore(RunnerFile runner, CodeCache cache, KeyNames names, long stateOffset, ulong cellsAt)
    {
        (this.runner, this.cache, this.names, this.stateOffset, this.cellsAt) = (runner, cache, names, stateOffset, cellsAt);
        (valid, heat, dynamicTable) = (runner["emu_valid"], runner["emu_heat"], runner["emu_dynamic_table"]);
        var (text, references, starts) = BaselineStubs.Write();
        ulong at = Place(text, references, "", id: 0, firstCell: 0);
        foreach (var (name, offset) in starts) stubs[name] = at + (ulong)offset;
    }

    /// <summary>Translations of a PC, the best and newest first.</summary>
    public Version[] Of(ulong pc) { lock (gate) return known.TryGetValue(pc, out var versions) ? [.. versions] : []; }

    /// <summary>Translations of the one instruction at a PC.</summary>
    public Version[] StepsOf(ulong pc) { lock (gate) return steps.TryGetValue(pc, out var versions) ? [.. versions] : []; }

    public bool IsKnown(ulong pc) { lock (gate) return known.ContainsKey(pc); }

    public Version? ById(uint id) { lock (gate) return byId.GetValueOrDefault(id); }

    /// <summary>Adds a region that LLVM made. <paramref name="promotes"/>: of one that the first tier has made, with the same names of keys.</summary>
    public Version Add(ulong pc, byte[] made, Source source, uint flags, bool promotes)
    {
        lock (gate)
        {
            uint id = Next();
            var loader = new ObjectLoader(made, cache, name => Symbol(name, id));
            uint count = (uint)(loader.CellBytes / 8), first = TakeCells(count);
            loader.Load(CellAddress(first));
            var text = loader.At(".text");
            var (lines, linesSize) = loader.At(".debug_line");
            var record = new RegionRecord
            {
                Pc = pc, Host = loader.Defined(ModuleSymbols.RegionName(pc)), HostEnd = text.Address + text.Size, Id = id, Flags = flags,
                Lines = lines, LinesSize = linesSize, Keys = loader.At("emu_keys").Address, FirstCell = first, Cells = count,
            };
            var version = Add(record, source, withNames: !promotes);
            if (!promotes) return version;
            cache.At(cache.Address + Protocol.IsPromotedAt + pc % Protocol.PromotedBits, 1)[0] = 1;
            Count(Protocol.PromotedAt); // from now on the core asks for it
            return version;
        }
    }

    /// <summary>Adds a region of the first tier.</summary>
    public Version Add(ulong pc, BaselineCode made, Source source, uint flags)
    {
        lock (gate)
        {
            uint id = Next(), first = TakeCells((uint)made.Cells.Count);
            ulong host = Place(made.Text, made.References, ModuleSymbols.RegionName(pc), id, first);
            ulong keys = made.Cells.Count == 0 ? 0 : cache.Take(16 * made.Cells.Count, 16);
            foreach (var (n, (array, key)) in made.Cells.Index())
            {
                var to = cache.At(keys + 16 * (ulong)n, 16);
                BinaryPrimitives.WriteUInt64LittleEndian(to, key);
                BinaryPrimitives.WriteUInt32LittleEndian(to[8..], (uint)array);
            }
            byte[] lines = LineTable.Write(made.Lines, host, made.Text.Length);
            ulong linesAt = cache.Take(lines.Length, 1);
            lines.CopyTo(cache.At(linesAt, lines.Length));
            Count(Protocol.FirstTierAt);
            return Add(new()
            {
                Pc = pc, Host = host, HostEnd = host + (ulong)made.Text.Length, Id = id, Flags = flags | Protocol.IsFirstTier,
                Lines = linesAt, LinesSize = (ulong)lines.Length, Keys = keys, FirstCell = first, Cells = (uint)made.Cells.Count,
            }, source, withNames: true);
        }
    }

    Version Add(RegionRecord record, Source source, bool withNames)
    {
        if (withNames && names.Fresh() is { Length: > 0 } fresh)
        {
            (record.Names, record.NamesSize) = (cache.Take(fresh.Length, 16), (ulong)fresh.Length);
            fresh.CopyTo(cache.At(record.Names, fresh.Length));
        }
        record.Ranges = (uint)source.Code.Count;
        var version = new Version(record.Id, Write(record, source.Code), record.Host, (record.Flags & Protocol.IsFirstTier) != 0, (record.Flags & (Protocol.IsFirstTier | Protocol.HasExactFaults)) != 0, source);
        var all = source.IsStep ? steps : known;
        if (!all.TryGetValue(record.Pc, out var versions)) all[record.Pc] = versions = [];
        versions.Insert(0, version);
        byId[record.Id] = version;
        return version;
    }

    ulong Write(RegionRecord record, IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> code)
    {
        int head = sizeof(RegionRecord) + code.Count * sizeof(CodeRange), size = head + code.Sum(r => r.Bytes.Length);
        ulong at = cache.Take(size, 16);
        var to = cache.At(at, size);
        MemoryMarshal.Write(to, record);
        int bytes = head;
        for (int n = 0; n < code.Count; n++)
        {
            MemoryMarshal.Write(to[(sizeof(RegionRecord) + n * sizeof(CodeRange))..], new CodeRange { From = code[n].Address, Size = (uint)code[n].Bytes.Length, Bytes = (uint)bytes });
            code[n].Bytes.Span.CopyTo(to[bytes..]);
            bytes += code[n].Bytes.Length;
        }
        return at;
    }

    /// <summary>What the guest needs: it has handlers for faults, or was translated for them.</summary>
    public ExactFaults ExactFaults => MemoryMarshal.AsRef<ExactFaults>(cache.At(cache.Address + Protocol.ExactFaultsAt, 4));

    /// <summary>Counts in the cache's first page.</summary>
    void Count(int counter) => MemoryMarshal.AsRef<ulong>(cache.At(cache.Address + (ulong)counter, 8))++;

    uint Next() => ++regions < Protocol.MostRegions ? regions : throw new CacheFullException();

    /// <summary>Puts code of the first tier into the cache.</summary>
    ulong Place(byte[] text, IReadOnlyList<Reference> references, string name, uint id, uint firstCell)
    {
        const int alignment = 16;
        ulong at = cache.Take(text.Length, alignment);
        var to = cache.At(at, text.Length);
        text.CopyTo(to);
        foreach (var r in references)
        {
            long value = r.Addend + r.Kind switch
            {
                ReferenceKind.Thread => stateOffset,
                ReferenceKind.Absolute when r.Symbol == "emu_cells" => (long)CellAddress(firstCell),
                ReferenceKind.Absolute => (long)(r.Symbol == name ? at : Symbol(r.Symbol, id)),
                _ => (long)Symbol(r.Symbol, id) - (long)(at + (ulong)r.Offset + 4),
            };
            BinaryPrimitives.WriteInt32LittleEndian(to[r.Offset..], checked((int)value));
        }
        return at;
    }

    /// <summary>A region's cells lie in one chunk.</summary>
    uint TakeCells(uint count)
    {
        if (count > Protocol.CellsPerChunk - cells % Protocol.CellsPerChunk) cells += Protocol.CellsPerChunk - cells % Protocol.CellsPerChunk;
        uint first = cells;
        cells += count;
        if (cells / Protocol.CellsPerChunk >= 64) throw new CacheFullException();
        return first;
    }

    ulong CellAddress(uint n) => cellsAt + ((ulong)(n / Protocol.CellsPerChunk) << Protocol.ChunkShift) + Protocol.ChunkHeader
        + Protocol.KeySize * (ulong)Protocol.CellsPerChunk + 8 * (ulong)(n % Protocol.CellsPerChunk);

    /// <summary>What regions refer to. Regions of the cache have a dispatch table of their own, and say in a byte each whether they are valid.</summary>
    ulong Symbol(string name, uint region) => name switch
    {
        "emu_state" => (ulong)stateOffset,
        "emu_dispatch_table" => dynamicTable,
        "emu_dispatch_mask" => DynamicMask,
        "emu_valid_cell" => valid + region,
        "emu_heat_cell" => heat + 4 * (ulong)region,
        _ when stubs.TryGetValue(name, out ulong stub) => stub,
        _ when name.StartsWith("emu_r_", StringComparison.Ordinal) && known.TryGetValue(Convert.ToUInt64(name[6..], 16), out var versions) => versions[0].Host,
        _ when runner.IsThreadLocal(name) => (ulong)stateOffset + runner[name] - runner["emu_state"],
        _ => runner[name],
    };
}
