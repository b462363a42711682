using System.Buffers.Binary;
using System.Text;
using Emu.Instrumentation;
using Emu.Translator.Elf;
using Emu.Translator.Lowering;

namespace Emu.Fallback;

/// <summary>The runner's own file: the guest's image, the plugins, and the addresses of everything in it.</summary>
sealed class RunnerFile
{
    const int SymbolTable = 2, ThreadLocal = 6; // SHT_SYMTAB, STT_TLS

    readonly byte[] file;
    readonly Dictionary<string, ulong> symbols = [];
    readonly HashSet<string> threadLocal = [];
    readonly List<(ulong Address, ulong Size, ulong Offset)> segments = [];

    public RunnerFile(string path)
    {
        file = File.ReadAllBytes(path);
        ReadSegments();
        ReadSymbols();
        if (symbols.Count == 0) throw new TranslationException("the runner's symbols were stripped");
        Roots = ReadRoots();
    }

    /// <summary>PCs with a region that was translated ahead of time.</summary>
    public IReadOnlySet<ulong> Roots { get; }

    /// <summary>The guest's program.</summary>
    public Image Image() => Translator.Elf.Image.Parse(Between("emu_image", "emu_image_end"), BinaryPrimitives.ReadUInt64LittleEndian(At(this["emu_image_base"], 8)));

    /// <summary>The files besides the program that there is code of: path, what is added to addresses, pages (struct emu_module).</summary>
    public IReadOnlyList<(string Path, ulong Base, ulong From, ulong To)> Modules()
    {
        const int size = 13 * 8;
        var found = new List<(string, ulong, ulong, ulong)>();
        for (ulong at = this["emu_modules"], end = this["emu_modules_end"]; at < end; at += size)
        {
            ulong Word(int n) => BinaryPrimitives.ReadUInt64LittleEndian(At(at, size)[(8 * n)..]);
            found.Add((Text(Offset(Word(0))), Word(1), Word(2), Word(3)));
        }
        return found;
    }

    /// <summary>What the runner says about its plugins, null without.</summary>
    public Meta? Meta() => Between("emu_meta", "emu_meta_end") is { Length: > 0 } json ? Instrumentation.Meta.FromJson(json) : null;

    /// <summary>A symbol's address.</summary>
    public ulong this[string name] => symbols.TryGetValue(name, out ulong address) ? address : throw new TranslationException($"the runner has no {name}");

    /// <summary>Whether a symbol's address is one in the runner's thread-local storage.</summary>
    public bool IsThreadLocal(string name) => threadLocal.Contains(name);

    ReadOnlyMemory<byte> Between(string from, string to) => file.AsMemory((int)Offset(this[from]), (int)(this[to] - this[from]));

    ReadOnlySpan<byte> At(ulong address, int size) => file.AsSpan((int)Offset(address), size);

    ulong Offset(ulong address)
    {
        foreach (var s in segments) if (address - s.Address < s.Size) return address - s.Address + s.Offset;
        return 0;
    }

    void ReadSegments()
    {
        var (table, size, count) = (U64(32), U16(54), U16(56));
        for (ulong n = 0; n < count; n++)
        {
            ulong at = table + n * size;
            if (U32(at) == 1) segments.Add((U64(at + 16), U64(at + 32), U64(at + 8)));
        }
    }

    void ReadSymbols()
    {
        const ulong entry = 24;
        var (table, size, count) = (U64(40), U16(58), U16(60));
        for (ulong n = 0; n < count; n++)
        {
            ulong at = table + n * size;
            if (U32(at + 4) != SymbolTable) continue;
            ulong names = U64(table + U32(at + 40) * size + 24), from = U64(at + 24), end = from + U64(at + 32);
            for (ulong s = from; s + entry <= end; s += entry)
            {
                if (U16(s + 6) == 0 || U32(s) == 0) continue;
                string name = Text(names + U32(s));
                symbols.TryAdd(name, U64(s + 8));
                if ((file[s + 4] & 0xf) == ThreadLocal) threadLocal.Add(name);
            }
        }
    }

    /// <summary>Regions have no symbols in the file, only these tables (emu.h).</summary>
    HashSet<ulong> ReadRoots()
    {
        var roots = new HashSet<ulong>();
        ulong hosts = this["emu_root_regions"];
        for (ulong from = this["emu_roots"], at = from; at < this["emu_roots_end"]; at += 8)
        {
            ulong pc = BinaryPrimitives.ReadUInt64LittleEndian(At(at, 8));
            roots.Add(pc);
            symbols[ModuleSymbols.RegionName(pc)] = BinaryPrimitives.ReadUInt32LittleEndian(At(hosts + (at - from) / 2, 4));
        }
        return roots;
    }

    string Text(ulong at)
    {
        var rest = file.AsSpan((int)at);
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)0)]);
    }

    ulong U64(ulong at) => BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan((int)at));
    uint U32(ulong at) => BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan((int)at));
    ulong U16(ulong at) => BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan((int)at));
}
