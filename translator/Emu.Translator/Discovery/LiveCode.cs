using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Finds one region in memory as it is now: what a PC reaches by direct jumps, without knowledge of the rest of the program.</summary>
/// <param name="page">The 4096 bytes at an address, null where the guest cannot execute.</param>
/// <param name="isBarrier">PCs that have a region of their own: jumps there leave.</param>
public sealed class LiveCode(Func<ulong, ReadOnlyMemory<byte>?> page, Func<ulong, bool> isBarrier)
{
    const int MostInstructions = 200, LongestBlock = 64, PageSize = 4096;

    readonly Bytes at = new(page);
    Decoder? decoder;
    readonly Dictionary<ulong, Instruction> code = [];
    readonly HashSet<ulong> leaders = [];

    /// <summary>The region of a PC; null when there is no code.</summary>
    public GuestRegion? Region(ulong root)
    {
        var pending = new Queue<ulong>([root]);
        while (pending.TryDequeue(out var leader) && code.Count < MostInstructions) Follow(leader, root, pending);
        if (code.Count == 0) return null;
        leaders.RemoveWhere(l => !code.ContainsKey(l));
        var blocks = new Dictionary<ulong, GuestBlock>();
        // A block that is too long makes another leader.
        for (var missing = leaders.ToArray(); missing.Length > 0; missing = [.. leaders.Where(l => !blocks.ContainsKey(l))])
            foreach (var leader in missing) blocks[leader] = Block(leader);
        return new(root, [blocks[root], .. blocks.Values.Where(b => b.Address != root).OrderBy(b => b.Address)]);
    }

    /// <summary>The instruction at a PC, by itself; null when there is none.</summary>
    public GuestRegion? Step(ulong pc)
    {
        if (Decode(pc) is not { } i) return null;
        code[pc] = i;
        return new(pc, [Block(pc)]) { IsStep = true };
    }

    /// <summary>Runs of code that the region was made from.</summary>
    public IReadOnlyList<(ulong Address, ReadOnlyMemory<byte> Bytes)> Runs()
    {
        var runs = new List<(ulong From, ulong To)>();
        foreach (var i in code.Values.OrderBy(i => i.IP))
            if (runs.Count > 0 && runs[^1].To == i.IP) runs[^1] = (runs[^1].From, i.NextIP);
            else runs.Add((i.IP, i.NextIP));
        return [.. runs.Select(r => (r.From, (ReadOnlyMemory<byte>)Read(r.From, (int)(r.To - r.From))))];
    }

    /// <summary>Bytes of memory; fewer where they end.</summary>
    public byte[] Read(ulong from, int length)
    {
        var bytes = new byte[length];
        int count = 0;
        while (count < length)
        {
            ulong at = from + (ulong)count, start = at & ~(ulong)(PageSize - 1);
            if (page(start) is not { } there) break;
            var part = there.Span[(int)(at - start)..(int)Math.Min(PageSize, at - start + (ulong)(length - count))];
            part.CopyTo(bytes.AsSpan(count));
            count += part.Length;
        }
        return count == length ? bytes : bytes[..count];
    }

    void Follow(ulong leader, ulong root, Queue<ulong> pending)
    {
        leaders.Add(leader);
        for (ulong pc = leader; !code.ContainsKey(pc) && (pc == root || !isBarrier(pc)) && code.Count < MostInstructions;)
        {
            if (Decode(pc) is not { } i) return;
            code[pc] = i;
            var end = Flow.End(i);
            if (end is BlockEnd.Jump or BlockEnd.Branch) pending.Enqueue(i.NearBranchTarget);
            if (end is { } e && !Flow.FallsThrough(e)) return;
            pc = i.NextIP;
            // Instructions that overlap may meet again: no instruction is in two blocks.
            if (end != null || code.ContainsKey(pc)) leaders.Add(pc);
        }
    }

    /// <summary>The instruction; null when some of its bytes are not there. Bytes that are none give an invalid one.</summary>
    Instruction? Decode(ulong pc)
    {
        decoder ??= Decoder.Create(64, at);
        decoder.IP = at.Address = pc;
        decoder.Decode(out var i);
        return i.IsInvalid && decoder.LastError == DecoderError.NoMoreBytes ? null : i;
    }

    /// <summary>Memory for the decoder.</summary>
    sealed class Bytes(Func<ulong, ReadOnlyMemory<byte>?> page) : CodeReader
    {
        ReadOnlyMemory<byte>? there;
        ulong start = ulong.MaxValue;

        public ulong Address { get; set; }

        public override int ReadByte()
        {
            ulong from = Address & ~(ulong)(PageSize - 1);
            if (from != start) (start, there) = (from, page(from));
            return there is { } bytes ? bytes.Span[(int)(Address++ - from)] : -1;
        }
    }

    GuestBlock Block(ulong leader)
    {
        var instructions = new List<Instruction>();
        for (ulong pc = leader; ; pc = instructions[^1].NextIP)
        {
            if (pc != leader && (leaders.Contains(pc) || !code.ContainsKey(pc) || instructions.Count == LongestBlock))
            {
                if (instructions.Count == LongestBlock && code.ContainsKey(pc)) leaders.Add(pc);
                return Made(leader, instructions, BlockEnd.Fallthrough, [pc]);
            }
            var i = code[pc];
            if (i.IsInvalid) return Made(leader, instructions, BlockEnd.InvalidCode, []);
            instructions.Add(i);
            if (Flow.End(i) is { } end) return Made(leader, instructions, end, Next(i, end));
        }
    }

    static ulong[] Next(in Instruction i, BlockEnd end) => end switch
    {
        BlockEnd.Jump => [i.NearBranchTarget],
        BlockEnd.Branch when i.NearBranchTarget != i.NextIP => [i.NearBranchTarget, i.NextIP],
        BlockEnd.Branch or BlockEnd.Call or BlockEnd.IndirectCall or BlockEnd.Syscall => [i.NextIP],
        _ => [],
    };

    GuestBlock Made(ulong leader, List<Instruction> instructions, BlockEnd end, ulong[] next) =>
        new(leader, instructions, end, [.. next.Where(leaders.Contains)], [.. next.Where(n => !leaders.Contains(n))], null);
}
