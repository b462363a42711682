using System.Runtime.InteropServices;
using System.Text;
using Emu.Cli;
using Emu.Cli.Running;
using Emu.Instrumentation;
using Emu.Ir;
using Emu.Plugins;
using Emu.Translator;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.Linking;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;
using Emu.Translator.X86;

namespace Emu.Fallback;

/// <summary>Answers a runner's requests: what is known and still so is given again, the rest goes through the pipeline.</summary>
sealed unsafe class Service
{
    /// <summary>A translation and what it relies on.</summary>
    sealed record Version(ulong Record, ulong Host, GuardKind Guard, bool CallsImage, IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> Code)
    {
        /// <summary>Whether it was made from these bytes there.</summary>
        public bool Has(ulong address, ReadOnlySpan<byte> bytes)
        {
            foreach (var run in Code)
                if (address >= run.Address && address + (ulong)bytes.Length <= run.Address + (ulong)run.Bytes.Length)
                    return run.Bytes.Span.Slice((int)(address - run.Address), bytes.Length).SequenceEqual(bytes);
            return false;
        }
    }

    readonly Channel channel;
    readonly RunnerFile runner;
    readonly CodeCache cache;
    readonly Pipeline pipeline;
    readonly Image image;
    readonly ulong cellsAt, dynamicTable;
    readonly KeyNames names;
    readonly Lessons? lessons;
    readonly long stateOffset;
    readonly Dictionary<ulong, List<Version>> known = [];
    readonly Dictionary<ulong, (PageState State, ReadOnlyMemory<byte>? Bytes)> pages = [];
    PageState weakest;
    ulong request;
    uint regions, cells;

    Service(Channel channel, MessageHead hello, string build)
    {
        this.channel = channel;
        runner = new($"/proc/self/fd/{Protocol.Runner}");
        cache = new(Protocol.Cache, hello.Words[1], hello.Words[2]);
        (stateOffset, cellsAt) = ((long)hello.Words[3], hello.Words[4]);
        dynamicTable = runner["emu_dynamic_table"];
        string own = Emu.Cli.Version.Translator;
        var words = build.Split(" O");
        if (words.Length != 2 || words[0] != own) throw new TranslationException("it is of another version than the runner: build the runner again");
        var plugins = runner.Meta() is { } meta ? new PluginCatalog(typeof(BlockCounter).Assembly, CacheFolder.Root).Create(meta) : [];
        image = runner.Image();
        if (words[1].Length == 1) lessons = new(image, runner.Modules());
        pipeline = new(image, new(words[1][0] - '0', 1, new ObjectCache(CacheFolder.Part("objects")), "", own) { Plugins = plugins });
        names = new(pipeline, runner.Meta());
    }

    /// <summary>The process that asked was killed before it had its answer, and another one asks.</summary>
    sealed class SupersededException(MessageHead by) : Exception
    {
        public MessageHead By => by;
    }

    /// <summary>Serves until nobody is left.</summary>
    public static void Run(Channel channel)
    {
        Service? service = null;
        for (bool isThere = channel.Receive(out var head); isThere;)
        {
            try
            {
                if (head.Kind == MessageKind.Hello)
                {
                    if (head.Words[0] != Protocol.Version) throw new TranslationException("it speaks another protocol than the runner: build the runner again");
                    service = new(channel, head, Encoding.UTF8.GetString(channel.More));
                    channel.Send(head.Id, MessageKind.Ready);
                }
                else if (head.Kind == MessageKind.Translate && service != null) service.Answer(head.Id, head.Words[0], callsImage: head.Words[1] != 0, resumed: head.Words[2] != 0);
            }
            catch (SupersededException e)
            {
                head = e.By;
                continue;
            }
            catch (Exception e) when (e is TranslationException or PluginException or ToolException or UserException or InvalidOperationException or IOException)
            {
                channel.Error(head.Id, e.Message);
            }
            isThere = channel.Receive(out head);
        }
    }

    void Answer(ulong id, ulong pc, bool callsImage, bool resumed)
    {
        request = id;
        pages.Clear();
        var version = Again(pc, callsImage);
        bool isNew = version is null;
        version ??= Translate(pc, callsImage);
        if (isNew && version != null) lessons?.Learn(pc, (int)(id >> 32), resumed, isConstant: Guard == GuardKind.Entry);
        channel.Send(id, MessageKind.Done, version?.Record ?? 0, isNew ? 1u : 0);
    }

    /// <summary>A version whose bytes are what is there now.</summary>
    Version? Again(ulong pc, bool callsImage)
    {
        foreach (var v in known.GetValueOrDefault(pc, []))
        {
            weakest = PageState.Constant;
            var code = new LiveCode(Page, _ => false);
            if (v.CallsImage == callsImage && v.Code.All(r => code.Read(r.Address, r.Bytes.Length).AsSpan().SequenceEqual(r.Bytes.Span)) && v.Guard == Guard) return v;
        }
        return null;
    }

    Version? Translate(ulong pc, bool callsImage)
    {
        bool IsImage(ulong at) => callsImage && runner.Roots.Contains(at);
        weakest = PageState.Constant;
        var code = new LiveCode(Page, IsImage);
        if (code.Region(pc) is not { } region) return null;
        var patched = PatchedIn(region, code);
        var runs = Without(code.Runs(), region, patched);
        var (made, reads) = pipeline.Translate(region, (at, size) => code.Read(at, size), at => IsImage(at) || at == pc || known.ContainsKey(at), patched.Contains, new(Guard, runs));
        uint flags = (Guard == GuardKind.Bytes ? Protocol.IsChecked : 0)
            | ((reads & (Transient.Flags | Transients.Of("r11"))) != 0 ? Protocol.ReadsTransients : 0);
        var version = Load(pc, made, runs, flags, callsImage);
        if (!known.TryGetValue(pc, out var versions)) known[pc] = versions = [];
        versions.Insert(0, version);
        return version;
    }

    /// <summary>Instructions whose immediates differ from those of the version before: they will differ again.</summary>
    HashSet<ulong> PatchedIn(GuestRegion region, LiveCode code)
    {
        var found = new HashSet<ulong>();
        if (Guard != GuardKind.Bytes || !known.TryGetValue(region.Root, out var versions) || versions[0].Guard != GuardKind.Bytes) return found;
        foreach (var i in region.Blocks.SelectMany(b => b.Instructions))
            if (Patched.Immediate(i) is { } at && !versions[0].Has(at.Address, code.Read(at.Address, at.Size))) found.Add(i.IP);
        return found;
    }

    static IReadOnlyList<(ulong, ReadOnlyMemory<byte>)> Without(IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> runs, GuestRegion region, HashSet<ulong> patched)
    {
        var left = runs.ToList();
        foreach (var i in region.Blocks.SelectMany(b => b.Instructions).Where(i => patched.Contains(i.IP)))
        {
            var (from, size) = Patched.Immediate(i)!.Value;
            foreach (var run in left.Where(r => r.Address < from + (ulong)size && r.Address + (ulong)r.Bytes.Length > from).ToArray())
            {
                int start = (int)Math.Max(0, (long)(from - run.Address)), end = (int)Math.Min((ulong)run.Bytes.Length, from + (ulong)size - run.Address);
                left.Remove(run);
                if (start > 0) left.Add((run.Address, run.Bytes[..start]));
                if (end < run.Bytes.Length) left.Add((run.Address + (ulong)end, run.Bytes[end..]));
            }
        }
        return left;
    }

    /// <summary>What the code read for this request allows it to rely on.</summary>
    GuardKind Guard => weakest switch { PageState.Constant => GuardKind.Entry, PageState.Watched => GuardKind.Stores, _ => GuardKind.Bytes };

    /// <summary>A page of the guest's memory as it is during this request.</summary>
    ReadOnlyMemory<byte>? Page(ulong at)
    {
        if (!pages.TryGetValue(at, out var page)) pages[at] = page = Ask(at);
        if (page.State > weakest) weakest = page.State;
        return page.Bytes;
    }

    (PageState State, ReadOnlyMemory<byte>? Bytes) Ask(ulong at)
    {
        channel.Send(request, MessageKind.WantPage, at);
        if (!channel.Receive(out var reply)) Environment.Exit(0);
        if (reply.Id != request) throw new SupersededException(reply);
        if (reply.Kind != MessageKind.Page) throw new TranslationException("the runner talks nonsense");
        var state = (PageState)reply.Words[1];
        return (state, state == PageState.Absent ? null : (ReadOnlyMemory<byte>?)channel.More.ToArray());
    }

    Version Load(ulong pc, byte[] made, IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> code, uint flags, bool callsImage)
    {
        uint id = ++regions;
        if (id >= Protocol.MostRegions) throw new TranslationException($"there are more than {Protocol.MostRegions} regions");
        var loader = new ObjectLoader(made, cache, name => Symbol(name, id));
        uint count = (uint)(loader.CellBytes / 8), first = TakeCells(count);
        loader.Load(CellAddress(first));
        var text = loader.At(".text");
        var (lines, linesSize) = loader.At(".debug_line");
        byte[] fresh = names.Fresh();
        ulong namesAt = cache.Take(fresh.Length, 16);
        fresh.CopyTo(cache.At(namesAt, fresh.Length));
        var record = new RegionRecord
        {
            Pc = pc, Host = loader.Defined(ModuleSymbols.RegionName(pc)), HostEnd = text.Address + text.Size, Id = id, Flags = flags,
            Lines = lines, LinesSize = linesSize, Keys = loader.At("emu_keys").Address, Names = namesAt, NamesSize = (ulong)fresh.Length, FirstCell = first, Cells = count, Ranges = (uint)code.Count,
        };
        return new(Write(record, code), record.Host, Guard, callsImage, code);
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

    /// <summary>A region's cells lie in one chunk.</summary>
    uint TakeCells(uint count)
    {
        if (count > Protocol.CellsPerChunk - cells % Protocol.CellsPerChunk) cells += Protocol.CellsPerChunk - cells % Protocol.CellsPerChunk;
        uint first = cells;
        cells += count;
        if (cells / Protocol.CellsPerChunk >= 64) throw new TranslationException("there is no room for more counters");
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
        "emu_valid_cell" => runner["emu_valid"] + region,
        _ when name.StartsWith("emu_r_", StringComparison.Ordinal) && known.TryGetValue(Convert.ToUInt64(name[6..], 16), out var versions) => versions[0].Host,
        _ => runner[name],
    };

    const ulong DynamicMask = ((1 << 16) - 1) * 16;
}
