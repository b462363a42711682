using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>A block before regions are formed; <paramref name="next"/> is where it goes without calling or returning.</summary>
internal sealed class Block(ulong address, Instruction[] instructions, BlockEnd end, ulong[] next, JumpTable? table)
{
    public ulong Address => address;

    public Instruction[] Instructions => instructions;

    public BlockEnd End => end;

    public ulong[] Next => next;

    /// <summary>The blocks at <see cref="Next"/>; null where the address is not executable.</summary>
    public Block?[] NextBlocks { get; set; } = [];

    public JumpTable? Table => table;

    /// <summary>Regions end in front of it.</summary>
    public bool IsBarrier { get; set; }

    /// <summary>Mark of the last walk that came here.</summary>
    public int Visit { get; set; }

    /// <summary>The result for regions that contain all its successors.</summary>
    public GuestBlock? Closed { get; set; }
}

/// <summary>Cuts the explored code into blocks at the leaders.</summary>
internal sealed class BlockMap
{
    const int Longest = 64;

    readonly Dictionary<ulong, Block> blocks = [];
    readonly Image image;
    readonly CodeMap map;
    readonly HashSet<ulong> leaders;
    readonly IReadOnlyDictionary<ulong, JumpTable> tables;

    public BlockMap(Image image, CodeMap map, HashSet<ulong> leaders, IReadOnlyDictionary<ulong, JumpTable> tables)
    {
        (this.image, this.map, this.leaders, this.tables) = (image, map, leaders, tables);
        foreach (var leader in leaders.Order().ToArray())
            for (ulong? next = leader; next is { } address;)
                next = Add(address);
        foreach (var block in blocks.Values) block.NextBlocks = Array.ConvertAll(block.Next, n => this[n]);
    }

    /// <summary>The block at an address, null when the address is not executable.</summary>
    public Block? this[ulong address] => blocks.GetValueOrDefault(address);

    /// <summary>Adds the block of a leader; the result is the new leader that had to be made because the block was too long.</summary>
    ulong? Add(ulong leader)
    {
        if (blocks.ContainsKey(leader) || !image.IsExecutable(leader)) return null;
        var instructions = new List<Instruction>();
        for (var pc = leader; ; pc = instructions[^1].NextIP)
        {
            if (pc != leader && leaders.Contains(pc)) return Add(leader, instructions, BlockEnd.Fallthrough, [pc]);
            if (instructions.Count == Longest)
            {
                leaders.Add(pc);
                Add(leader, instructions, BlockEnd.Fallthrough, [pc]);
                return pc;
            }
            var index = map.IndexOf(pc);
            if (index < 0) return Add(leader, instructions, BlockEnd.InvalidCode, []);
            instructions.Add(map[index]);
            if (Flow.End(map[index]) is { } end) return Add(leader, instructions, end, NextOf(map[index], end));
        }
    }

    ulong? Add(ulong leader, List<Instruction> instructions, BlockEnd end, ulong[] next)
    {
        var table = end == BlockEnd.IndirectJump ? tables.GetValueOrDefault(instructions[^1].IP) : null;
        blocks[leader] = new(leader, [.. instructions], end, table is null ? next : [.. table.Targets.Distinct().Order()], table);
        return null;
    }

    static ulong[] NextOf(in Instruction last, BlockEnd end) => end switch
    {
        BlockEnd.Jump => [last.NearBranchTarget],
        BlockEnd.Branch when last.NearBranchTarget != last.NextIP => [last.NearBranchTarget, last.NextIP],
        BlockEnd.Branch or BlockEnd.Call or BlockEnd.IndirectCall or BlockEnd.Syscall => [last.NextIP],
        _ => [],
    };
}
