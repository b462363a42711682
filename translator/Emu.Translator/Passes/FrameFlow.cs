using Emu.Ir;
using Block = Emu.Ir.Block;

namespace Emu.Translator.Passes;

/// <summary>Where a return goes.</summary>
enum ReturnKind
{
    /// <summary>To the caller of the region.</summary>
    ToCaller,
    /// <summary>To what lies further up on the stack: where the region is a part of a function its caller, else the caller's caller.</summary>
    Above,
    /// <summary>To an address that the region itself has stored: a jump.</summary>
    Pushed,
    /// <summary>To the caller or anywhere: the region goes on on another stack, or has stored an address on some of its ways.</summary>
    Anywhere,
}

/// <summary>
/// What a region does to its caller's frame, by following rsp, the registers that it saves, and the stack slots that it writes: where its returns go,
/// and which registers are, wherever it is left, what they were where it was entered. Callees are taken to keep the stack and the psABI's preserved
/// registers, and stores elsewhere not to reach the stack.
/// </summary>
sealed class FrameFlow
{
    const int MostVisits = 40;

    readonly Function f;
    Dictionary<Label, FrameState> before = [];
    readonly Dictionary<Inst, ReturnKind> returns = [];
    readonly Dictionary<Value, int> places = [];
    readonly Dictionary<Label, int> joins = [];
    readonly List<Known> values = [];
    FrameState now = new();

    FrameFlow(Function f)
    {
        this.f = f;
        if (!Solve()) return;
        IsSolved = true;
        Restored = Transient.All & ~Transient.Flags;
        foreach (var b in f.Blocks) if (before.ContainsKey(b.Label)) Leave(b);
        before = [];
    }

    public static FrameFlow Of(Function f) => new(f);

    /// <summary>Turns returns that are jumps into jumps: no caller waits for a return to an address that the guest has stored.</summary>
    public static void ResolveReturns(Function f)
    {
        if (!f.Blocks.Any(b => b.Terminator.Op == Op.Ret)) return;
        var flow = Of(f);
        foreach (var b in f.Blocks)
            if (b.Terminator is { Op: Op.Ret } ret && flow.KindOf(ret) == ReturnKind.Pushed) b.Code[^1] = new(Op.Jump, ret.Printed, ret.Args);
    }

    bool IsSolved { get; }

    /// <summary>Registers that have their value of the entry wherever the region is left, whatever callees do to those that they may change.</summary>
    public Transient Restored { get; private set; }

    /// <summary>Whether rsp becomes something that is not known to be on the stack that the region was entered on.</summary>
    public bool SwitchesStack { get; private set; }

    public ReturnKind KindOf(Inst ret) => !IsSolved ? ReturnKind.Anywhere : returns.GetValueOrDefault(ret);

    /// <summary>Addresses that the region has stored where a return of the code that it goes on in will look for one.</summary>
    public HashSet<ulong> Pushed { get; } = [];

    bool Solve()
    {
        var blocks = f.Blocks.ToDictionary(b => b.Label);
        var work = new Queue<Label>([f.Blocks[0].Label]);
        before[f.Blocks[0].Label] = new();
        for (int visits = 0; work.TryDequeue(out var label); visits++)
        {
            if (visits > MostVisits * f.Blocks.Count) return false;
            Run(blocks[label]);
            foreach (var to in blocks[label].Terminator.Successors())
            {
                if (!blocks.ContainsKey(to)) continue;
                if (!before.TryGetValue(to, out var there)) before[to] = now.Copy();
                else if (!there.Join(now, Place(joins, to))) continue;
                work.Enqueue(to);
            }
        }
        return true;
    }

    void Run(Block b)
    {
        now = before[b.Label].Copy();
        values.Clear();
        foreach (var i in b.Code)
        {
            i.Number = values.Count;
            values.Add(Step(i));
        }
    }

    /// <summary>What holds at the end of a block, where it leaves the region.</summary>
    void Leave(Block b)
    {
        Run(b);
        var end = b.Terminator;
        if (end.Op == Op.Ret) returns[end] = Find(end);
        bool leaves = end.Op is Op.Ret or Op.Jump or Op.Switch or Op.SwitchOn || end.Op != Op.CallTo && end.Successors().Any(to => !before.ContainsKey(to));
        if (!leaves) return;
        for (int n = 0; n < FrameState.Registers; n++) if (now[n] != new Known(n, 0)) Restored &= ~BitOf(n);
        if (end.Op != Op.Ret && now[FrameState.Rsp] is { IsPlace: true } top && now.At(top, 8) is { IsNumber: true } pushed) Pushed.Add((ulong)pushed.Offset);
    }

    ReturnKind Find(Inst ret)
    {
        if (ret.Args[0] is not Inst { Op: Op.Load } load || Of(load.Args[0]) is not { IsPlace: true } place) return ReturnKind.Anywhere;
        var stored = now.At(place, 8);
        if (stored == null) return place.Base == FrameState.Rsp ? ReturnKind.Above : ReturnKind.ToCaller;
        return stored == Known.Return ? ReturnKind.ToCaller : stored == Known.Mixed ? ReturnKind.Anywhere : ReturnKind.Pushed;
    }

    static Transient BitOf(int n) => n < FrameState.Low ? Transients.Of(GuestState.Gprs[n], 0) : Transients.Of($"ymm{n % 16}", n < FrameState.High ? 0 : 1);

    Known Of(Value v) => v is Const c ? Known.Number((ulong)c.Bits) : values[((Inst)v).Number];

    /// <summary>A name of its own for each value or label.</summary>
    int Place<T>(Dictionary<T, int> all, T of) where T : notnull
    {
        if (!all.TryGetValue(of, out int place)) all[of] = place = Known.FirstPlace + places.Count + joins.Count;
        return place;
    }

    Known Step(Inst i)
    {
        switch (i.Op)
        {
            case Op.Get: return Get((Detail.Register)i.Detail!, i.Printed.Bytes);
            case Op.Set: Set((Detail.Register)i.Detail!, i.Printed.Bytes, Of(i.Args[0])); break;
            case Op.Bits: return i.Args[0].Type.Bytes == i.Printed.Bytes && i.Args[0] is Inst ? Of(i.Args[0]) : Known.Nothing;
            case Op.Add or Op.Sub or Op.And when i.Printed.TotalBits == 64: return Sum(i);
            case Op.Load when !IsBelowSegment(i): return Of(i.Args[0]) is { IsPlace: true } place ? now.At(place, i.Printed.Bytes) ?? Known.Nothing : Known.Nothing;
            case Op.Store when !IsBelowSegment(i): now.Store(Of(i.Args[0]), Of(i.Args[1]), i.Printed.Bytes); break;
            case Op.Rmw or Op.CmpXchg when !IsBelowSegment(i): return Exchange(Of(i.Args[0]), i.Printed.Bytes);
            case Op.Helper: Overwrite(n => n is not (FrameState.Rsp or FrameState.Rbp or >= 12 and < FrameState.Low)); break;
            case Op.Rep: Overwrite(n => n is 1 or 6 or 7); break;
            case Op.Syscall: Overwrite(n => n is 0 or 1 or 11); break;
            case Op.CallTo: Return(); break;
        }
        return Known.Nothing;
    }

    static bool IsBelowSegment(Inst i) => i.Detail is Detail.Access { Segment: not null };

    /// <summary>A callee has popped its return address, and changed what it may.</summary>
    void Return()
    {
        Overwrite(n => n >= FrameState.Low || n is not (FrameState.Rsp or FrameState.Rbp or 3 or >= 12));
        now[FrameState.Rsp] += 8;
    }

    void Overwrite(Func<int, bool> which)
    {
        for (int n = 0; n < FrameState.Registers; n++) if (which(n)) now[n] = Known.Nothing;
    }

    Known Get(Detail.Register r, int bytes)
    {
        if (NumberOf(r.Reg) is not { } n) return Known.Nothing;
        if (n < FrameState.Low) return bytes == 8 && r.Reg.Byte == 0 ? now[n] : Known.Nothing;
        // Both halves at once are called by the low one.
        if (bytes == 32) return now[n] is { Base: >= FrameState.Low and < FrameState.High } low && now[n + 16] == low with { Base = low.Base + 16 } ? low : Known.Nothing;
        return bytes == 16 && r.Reg.Byte is 0 or 16 ? now[n + r.Reg.Byte] : Known.Nothing;
    }

    void Set(Detail.Register r, int bytes, Known v)
    {
        if (NumberOf(r.Reg) is not { } n) return;
        if (n < FrameState.Low)
        {
            now[n] = bytes == 8 ? v : Known.Nothing;
            if (n == FrameState.Rsp && !now[n].IsPlace) SwitchesStack = true;
            return;
        }
        bool isWhole = bytes is 16 or 32 && r.Reg.Byte is 0 or 16;
        if (r.Reg.Byte < 16) now[n] = isWhole ? v : Known.Nothing;
        if (r.Reg.Byte + bytes > 16) now[n + 16] = !isWhole ? Known.Nothing : bytes == 16 ? v : v with { Base = v.Base is >= FrameState.Low and < FrameState.High ? v.Base + 16 : -1 };
    }

    static int? NumberOf(Reg r) => numbers.TryGetValue(r.Name, out int n) ? n : null;

    static readonly Dictionary<string, int> numbers =
        GuestState.Gprs.Select((r, n) => (r, n)).Concat(Enumerable.Range(0, 16).Select(n => ($"ymm{n}", FrameState.Low + n))).ToDictionary(p => p.Item1, p => p.Item2);

    /// <summary>An address near another one; what is rounded, or moved by what is not known, is a place of its own on the same stack.</summary>
    Known Sum(Inst i)
    {
        var (a, b) = (Of(i.Args[0]), Of(i.Args[1]));
        if (i.Op != Op.And && b.IsNumber && !a.IsNumber) return a + (i.Op == Op.Add ? b.Offset : -b.Offset);
        if (i.Op == Op.Add && a.IsNumber && !b.IsNumber) return b + a.Offset;
        if (!a.IsPlace && !(b.IsPlace && i.Op != Op.Sub)) return Known.Nothing;
        int place = Place(places, i);
        now.Forget(place);
        return new(place, 0);
    }

    Known Exchange(Known place, int bytes)
    {
        var old = place.IsPlace ? now.At(place, bytes) ?? Known.Nothing : Known.Nothing;
        now.Store(place, Known.Nothing, bytes);
        return old;
    }
}
