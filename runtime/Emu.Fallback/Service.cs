using System.Text;
using Emu.Cli;
using Emu.Cli.Running;
using Emu.Instrumentation;
using Emu.Ir;
using Emu.Plugins;
using Emu.Translator;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.Instrumentation;
using Emu.Translator.Linking;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;
using Emu.Translator.X86;

namespace Emu.Fallback;

/// <summary>Answers a runner's requests: what is known and still so is given again, the rest goes through the pipeline.</summary>
sealed unsafe class Service
{
    readonly Channel channel;
    readonly RunnerFile runner;
    readonly Pipeline pipeline;
    readonly RegionStore store;
    readonly Promoter? promoter;
    readonly Lessons? lessons;
    readonly Dictionary<ulong, (PageState State, ReadOnlyMemory<byte>? Bytes)> pages = [];
    PageState weakest;
    ulong request;

    /// <summary>1: nothing is promoted. 2: all is LLVM's at once. Else regions begin in the first tier.</summary>
    static readonly string? tier = Environment.GetEnvironmentVariable("EMU_TIER");

    Service(Channel channel, MessageHead hello, string build)
    {
        this.channel = channel;
        runner = new($"/proc/self/fd/{Protocol.Runner}");
        string own = Emu.Cli.Version.Translator;
        var words = build.Split(" O");
        if (words.Length != 2 || words[0] != own) throw new TranslationException("it is of another version than the runner: build the runner again");
        var meta = runner.Meta();
        var plugins = meta is null ? [] : new PluginCatalog(typeof(BlockCounter).Assembly, CacheFolder.Root).Create(meta);
        var image = runner.Image();
        if (words[1].Length == 1) lessons = new(image, runner.Modules());
        pipeline = new(image, new(words[1][0] - '0', 1, new ObjectCache(CacheFolder.Part("objects"), own), "")
        {
            Plugins = plugins, Scope = meta?.Scope ?? Scope.Everything,
            Files = meta is null ? [] : [CodeFile.Of(meta.Guest.Path, image), .. runner.Modules().Select(m => new CodeFile(Path.GetFileName(m.Path), new(m.From, m.To), new(() => Image.Load(m.Path, m.Base))))],
        });
        if (meta != null && !pipeline.Declares(meta)) throw new TranslationException("its plugins are others than the runner's: build the runner again");
        store = new(runner, new(Protocol.Cache, hello.Words[1], hello.Words[2]), new(pipeline, meta), (long)hello.Words[3], hello.Words[4]);
        if (tier is not ("1" or "2")) promoter = new(store, Promote);
    }

    /// <summary>The process that asked was killed before it had its answer, and another one asks.</summary>
    sealed class SupersededException(MessageHead by) : Exception
    {
        public MessageHead By => by;
    }

    /// <summary>The process that asked does not say what it must.</summary>
    sealed class AbandonedException : Exception;

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
                    channel.Watch(new(Protocol.Cache, offset: head.Words[2]));
                    channel.Send(head.Id, MessageKind.Ready);
                }
                else if (head.Kind == MessageKind.Promote) service?.Hot(head);
                else if (head.Kind == MessageKind.Translate && service != null) service.Answer(head);
                else if (head.Kind == MessageKind.Page) channel.Send(head.Id, MessageKind.Again); // it was not waited for that long
            }
            catch (SupersededException e)
            {
                head = e.By;
                continue;
            }
            catch (AbandonedException) { }
            catch (CacheFullException)
            {
                channel.Send(head.Id, MessageKind.Full);
            }
            catch (Exception e) when (e is TranslationException or PluginException or ToolException or UserException or InvalidOperationException or IOException)
            {
                channel.Error(head.Id, e.Message);
            }
            isThere = channel.Receive(out head);
        }
    }

    void Answer(MessageHead head)
    {
        (request, ulong pc, bool callsImage, var purpose) = (head.Id, head.Words[0], head.Words[1] != 0, (Purpose)head.Words[2]);
        pages.Clear();
        pages[pc & ~4095ul] = Answered((PageState)head.Words[3]);
        var version = purpose == Purpose.Step ? StepAgain(pc) : Again(pc, callsImage);
        bool isNew = version is null;
        version ??= purpose == Purpose.Step ? Step(pc) : Translate(pc, callsImage);
        // What was translated ahead of time without registers at faults, and is given up for that, is no other lesson.
        if (store.ExactFaults == ExactFaults.Inside && runner.Roots.Count > 0) lessons?.LearnFaults();
        else if (isNew && version != null && purpose != Purpose.Step) lessons?.Learn(pc, (int)(request >> 32), purpose == Purpose.Resumed, isConstant: Guard == GuardKind.Entry);
        channel.Send(request, MessageKind.Done, version?.Record ?? 0, isNew ? 1u : 0);
    }

    void Hot(MessageHead head) => promoter?.Ask((uint)head.Words[0], head.Words[1]);

    /// <summary>A version whose bytes are what is there now, and whose faults are as exact as they must be.</summary>
    Version? Again(ulong pc, bool callsImage)
    {
        foreach (var v in store.Of(pc))
        {
            weakest = PageState.Constant;
            var code = new LiveCode(Page, _ => false);
            if ((v.HasExactFaults || store.ExactFaults == ExactFaults.No) && v.Source.CallsImage == callsImage && v.Source.Code.All(r => code.Read(r.Address, r.Bytes.Length).AsSpan().SequenceEqual(r.Bytes.Span)) && v.Source.Guard == Guard) return v;
        }
        return null;
    }

    Version? Translate(ulong pc, bool callsImage)
    {
        weakest = PageState.Constant;
        var code = new LiveCode(Page, at => callsImage && runner.Roots.Contains(at));
        if (code.Region(pc) is not { } region) return null;
        var patched = PatchedIn(region, code);
        var source = new Source(Without(code.Runs(), region, patched), patched, Guard, callsImage);
        var (made, reads) = tier == "2" ? default : pipeline.TranslateAtOnce(region, (at, size) => code.Read(at, size), IsRoot(pc, source), patched.Contains, new(Guard, source.Code), promoter != null);
        if (made != null) return store.Add(pc, made, source, Flags(source, reads));
        return TranslateWell(pc, region, code, source, promotes: false);
    }

    Version? StepAgain(ulong pc)
    {
        var code = new LiveCode(Page, _ => false);
        return store.StepsOf(pc).FirstOrDefault(v => v.Source.Code.All(r => code.Read(r.Address, r.Bytes.Length).AsSpan().SequenceEqual(r.Bytes.Span)));
    }

    /// <summary>One instruction, that leads to the core only: that compares its bytes each time.</summary>
    Version? Step(ulong pc)
    {
        var code = new LiveCode(Page, _ => false);
        if (code.Step(pc) is not { } region) return null;
        var source = new Source(code.Runs(), new HashSet<ulong>(), GuardKind.None, CallsImage: false) { IsStep = true };
        var (made, reads) = pipeline.TranslateAtOnce(region, (at, size) => code.Read(at, size), IsRoot(pc, source), _ => false, new(source.Guard, source.Code), counts: false);
        return made != null ? store.Add(pc, made, source, Flags(source, reads)) : TranslateWell(pc, region, code, source, promotes: false);
    }

    Version TranslateWell(ulong pc, GuestRegion region, LiveCode code, Source source, bool promotes)
    {
        var exact = store.ExactFaults;
        var (made, reads) = pipeline.Translate(region, (at, size) => code.Read(at, size), IsRoot(pc, source), source.Patched.Contains, new(source.Guard, source.Code), exact);
        return store.Add(pc, made, source, Flags(source, reads) | (exact == ExactFaults.No ? 0 : Protocol.HasExactFaults), promotes);
    }

    /// <summary>The region of a PC in the code that a version was made from: of what is beyond it is not known whether it is code.</summary>
    void Promote(Version hot, ulong pc)
    {
        var source = hot.Source;
        var code = new LiveCode(source.Page, at => !source.Has(at));
        if (code.Region(pc) is { } region) TranslateWell(pc, region, code, source with { Code = Without(code.Runs(), region, source.Patched) }, promotes: true);
    }

    Func<ulong, bool> IsRoot(ulong pc, Source source) => source.IsStep ? _ => false : at => at == pc || source.CallsImage && runner.Roots.Contains(at) || store.IsKnown(at);

    static uint Flags(Source source, Reading unpassed) => (source.Guard == GuardKind.Bytes || source.IsStep ? Protocol.IsChecked : 0) | (source.IsStep ? Protocol.IsStep : 0)
        | unpassed switch { Reading.Always => Protocol.ReadsUnpassed | Protocol.TakesUnpassed, Reading.Perhaps => Protocol.ReadsUnpassed, _ => 0 };

    /// <summary>Instructions whose immediates differ from those of the version before: they will differ again.</summary>
    HashSet<ulong> PatchedIn(GuestRegion region, LiveCode code)
    {
        var found = new HashSet<ulong>();
        if (Guard != GuardKind.Bytes || store.Of(region.Root) is not [{ Source: { Guard: GuardKind.Bytes } before }, ..]) return found;
        foreach (var i in region.Blocks.SelectMany(b => b.Instructions))
            if (Patched.Immediate(i) is { } at && !before.Has(at.Address, code.Read(at.Address, at.Size))) found.Add(i.IP);
        return found;
    }

    static IReadOnlyList<(ulong, ReadOnlyMemory<byte>)> Without(IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> runs, GuestRegion region, IReadOnlySet<ulong> patched)
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
        MessageHead reply;
        for (; ; Hot(reply))
        {
            if (!channel.ReceiveMore(out reply)) throw new AbandonedException();
            if (reply.Kind != MessageKind.Promote) break;
        }
        if (reply.Id != request) throw new SupersededException(reply);
        if (reply.Kind != MessageKind.Page) throw new TranslationException("the runner talks nonsense");
        return Answered((PageState)reply.Words[1]);
    }

    (PageState State, ReadOnlyMemory<byte>? Bytes) Answered(PageState state) => (state, state == PageState.Absent ? null : (ReadOnlyMemory<byte>?)channel.More.ToArray());
}
