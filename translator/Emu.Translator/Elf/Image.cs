using System.Buffers.Binary;

namespace Emu.Translator.Elf;

/// <summary>
/// An x86-64 program or shared library as the kernel or ld.so would load it. All addresses are run-time addresses (load base added).
/// Parsing throws <see cref="BadInputException"/> and nothing else.
/// </summary>
public sealed partial class Image
{
    /// <summary>Where position-independent programs go unless the caller says otherwise.</summary>
    public const ulong DefaultPieBase = 0x10000000;

    const ulong HighestAddress = 1UL << 47;

    readonly ElfHeaders headers;
    readonly List<(ulong Start, ulong End)> relro = [];
    readonly Lazy<IReadOnlyList<Fde>> frames;
    readonly Lazy<SymbolTable> symbols;
    readonly Lazy<Dictionary<ulong, string>> imports;
    readonly Dynamic? dynamic;

    Image(ReadOnlyMemory<byte> file, ElfHeaders headers, ulong loadBase)
    {
        (File, this.headers, Base) = (file, headers, loadBase);
        Sections = [.. headers.Sections.Select(s => s.IsAllocated ? s with { Address = s.Address + loadBase } : s)];
        Segments = [.. Overlaps.Resolve([.. headers.Programs.Where(p => p.Type == ProgramHeader.Load && p.MemorySize != 0).Select(ToSegment)], file).OrderBy(s => s.Address)];
        if (Segments.Count == 0) throw new BadInputException("not an executable: nothing to load");
        if (HasEntry && IsExecutable(Entry) && !TryRead(Entry, 1, out _)) throw new BadInputException("truncated ELF file: the entry point is past its end");
        if (HasEntry && !IsExecutable(Entry)) throw new BadInputException($"not an executable: entry point {Entry:x} is not in an executable segment");
        foreach (var p in headers.Programs.Where(p => p.Type == ProgramHeader.Relro))
            relro.Add((p.Address + Base, p.Address + Base + p.MemorySize));
        dynamic = Program(ProgramHeader.Dynamic) is { } d && TryRead(d.Address + Base, d.FileSize, out var bytes) ? new(bytes) : null;
        Relocations = ReadRelocations();
        ApplyRelocations();
        symbols = new(() => new(ReadSymbols()));
        imports = new(ReadImports);
        frames = new(() => EhFrame.Read(this, Program(ProgramHeader.EhFrame) is { } p ? p.Address + Base : null));
    }

    /// <summary>The file's bytes.</summary>
    public ReadOnlyMemory<byte> File { get; }

    /// <summary>What is added to the file's addresses: 0 for ET_EXEC.</summary>
    public ulong Base { get; }

    /// <summary>Position independent: placed at <see cref="Base"/>.</summary>
    public bool IsPie => headers.IsPie;

    /// <summary>The first instruction to run.</summary>
    public ulong Entry => headers.Entry + Base;

    /// <summary>Most shared libraries have no entry point.</summary>
    public bool HasEntry => headers.Entry != 0 || !IsPie;

    /// <summary>Loaded segments by address.</summary>
    public IReadOnlyList<Segment> Segments { get; }

    /// <summary>Sections in file order; empty when the table was stripped.</summary>
    public IReadOnlyList<Section> Sections { get; }

    /// <summary>
    /// Whether its code has calling conventions of its own, not the psABI's, and its runtime makes panics or exceptions of faults, by changing
    /// registers in the handler's context: Go's, known by its table of functions, or OCaml's, by a symbol.
    /// </summary>
    public bool HasOwnConventions => Sections.Any(s => s.Name.EndsWith(".gopclntab", StringComparison.Ordinal)) || Symbols["caml_system__code_begin"] != null;

    /// <summary>Run-time relocations in file order.</summary>
    public IReadOnlyList<Relocation> Relocations { get; }

    /// <summary>Defined symbols of both tables.</summary>
    public SymbolTable Symbols => symbols.Value;

    /// <summary>Frame descriptions by address.</summary>
    public IReadOnlyList<Fde> Frames => frames.Value;

    /// <summary>Address of the program headers in memory (AT_PHDR), 0 when no segment contains them.</summary>
    public ulong ProgramHeaders => Segments.Where(s => headers.HeaderOffset - s.FileOffset < (ulong)s.Bytes.Length)
        .Select(s => s.Address + headers.HeaderOffset - s.FileOffset).FirstOrDefault();

    /// <summary>Reads a program from a file.</summary>
    public static Image Load(string path, ulong pieBase = DefaultPieBase)
    {
        try
        {
            return Parse(FilePath.ReadAllBytes(path), pieBase);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new BadInputException($"cannot read it: {e.Message}");
        }
    }

    /// <summary>Reads a program from its bytes; <paramref name="pieBase"/> is where position-independent code goes.</summary>
    public static Image Parse(ReadOnlyMemory<byte> file, ulong pieBase = DefaultPieBase)
    {
        var headers = ElfHeaders.Read(file.Span);
        return new(file, headers, headers.IsPie ? pieBase : 0);
    }

    /// <summary>Initial memory; throws <see cref="BadInputException"/> when the file does not hold all of it.</summary>
    public ReadOnlySpan<byte> Read(ulong address, int length) =>
        TryRead(address, (ulong)length, out var bytes) ? bytes : throw new BadInputException($"no initial contents at {address:x}");

    /// <summary>Initial memory that comes from the file (zero-filled memory does not count).</summary>
    public bool TryRead(ulong address, ulong length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (SegmentAt(address) is not { } segment) return false;
        var offset = address - segment.Address;
        var size = (ulong)segment.Bytes.Length;
        if (offset > size || length > size - offset) return false;
        bytes = segment.Bytes.Span.Slice((int)offset, (int)length);
        return true;
    }

    /// <summary>A little-endian word of initial memory.</summary>
    public bool TryReadU64(ulong address, out ulong value)
    {
        var isThere = TryRead(address, 8, out var bytes);
        value = isThere ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        return isThere;
    }

    /// <summary>The segment that contains the address.</summary>
    public Segment? SegmentAt(ulong address)
    {
        foreach (var segment in Segments)
            if (segment.Contains(address))
                return segment;
        return null;
    }

    /// <summary>The address is in an executable segment.</summary>
    public bool IsExecutable(ulong address) => SegmentAt(address) is { IsExecutable: true };

    /// <summary>The address is in a writable segment.</summary>
    public bool IsWritable(ulong address) => SegmentAt(address) is { IsWritable: true };

    /// <summary>The address's contents never change once relocated: a segment without write permission, or RELRO.</summary>
    public bool IsConstant(ulong address) =>
        SegmentAt(address) is { } segment && (!segment.IsWritable || relro.Exists(r => address >= r.Start && address < r.End));

    /// <summary>The symbol and offset for an address, null when no symbol is near.</summary>
    public (string Name, ulong Offset)? Symbolize(ulong pc) => Symbols.Symbolize(pc);

    /// <summary>Landing pads of exception handling, by address.</summary>
    public IEnumerable<ulong> LandingPads() => Frames.SelectMany(f => Lsda.LandingPads(this, f)).Distinct().Order();

    /// <summary>The frame that contains the address.</summary>
    public Fde? FrameAt(ulong address)
    {
        var (low, high) = (0, Frames.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Frames[middle].Start <= address) low = middle + 1;
            else high = middle;
        }
        return low > 0 && address < Frames[low - 1].End ? Frames[low - 1] : null;
    }

    ProgramHeader? Program(uint type)
    {
        foreach (var p in headers.Programs)
            if (p.Type == type)
                return p;
        return null;
    }

    Segment ToSegment(ProgramHeader p)
    {
        if (p.FileSize > p.MemorySize || p.MemorySize > HighestAddress || p.Address + Base > HighestAddress - p.MemorySize || p.Address > HighestAddress)
            throw new BadInputException($"damaged ELF file: segment at {p.Address:x} of {p.MemorySize:x} bytes");
        return new(p.Address + Base, p.MemorySize, p.Offset, (p.Flags & 4) != 0, (p.Flags & 2) != 0, (p.Flags & 1) != 0)
        {
            Bytes = Overlaps.InFile(File, p.Offset, p.FileSize),
        };
    }
}
