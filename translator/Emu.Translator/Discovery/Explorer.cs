using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Recursive descent: decodes what roots reach and collects leaders, calls, indirect jumps and code pointers.</summary>
internal sealed class Explorer(Image image, CodeMap map, RootSet roots)
{
    readonly Stack<ulong> pending = [];

    /// <summary>First addresses of blocks.</summary>
    public HashSet<ulong> Leaders { get; } = [];

    /// <summary>PCs of all indirect jumps.</summary>
    public SortedSet<ulong> IndirectJumps { get; } = [];

    /// <summary>All system calls, by number of the instruction.</summary>
    public List<int> SystemCalls { get; } = [];

    /// <summary>Return sites of direct calls, by callee.</summary>
    public Dictionary<ulong, List<ulong>> ReturnSites { get; } = [];

    /// <summary>Addresses of code that instructions make; an immediate may be just a number.</summary>
    public List<(ulong Target, bool IsNumber)> CodePointers { get; } = [];

    /// <summary>Explores all roots that were added since the last call.</summary>
    public void ExploreNewRoots()
    {
        while (roots.New.TryDequeue(out var pc))
        {
            pending.Push(pc);
            while (pending.TryPop(out var leader)) Follow(leader);
        }
    }

    /// <summary>Explores targets of an indirect jump.</summary>
    public void ExploreTargets(ulong jump, IEnumerable<ulong> targets)
    {
        foreach (var target in targets)
        {
            map.LinkJump(map.IndexOf(jump), target);
            pending.Push(target);
        }
        while (pending.TryPop(out var leader)) Follow(leader);
    }

    void Follow(ulong leader)
    {
        if (!image.IsExecutable(leader) || !Leaders.Add(leader)) return;
        var from = -1;
        for (var pc = leader; ; pc = map[from].NextIP)
        {
            if (map.IndexOf(pc) is >= 0 and var known)
            {
                if (from >= 0 && map.Previous(known) != from) Leaders.Add(pc);
                map.LinkFall(from, known);
                return;
            }
            if (!map.TryDecode(pc, out var instruction)) return;
            from = map.Add(instruction, from);
            Note(instruction);
            if (Flow.End(instruction) is not { } end) continue;
            Leave(from, instruction, end);
            if (!Flow.FallsThrough(end)) return;
            Leaders.Add(instruction.NextIP);
        }
    }

    void Leave(int index, in Instruction instruction, BlockEnd end)
    {
        switch (end)
        {
            case BlockEnd.Jump or BlockEnd.Branch:
                map.LinkJump(index, instruction.NearBranchTarget);
                pending.Push(instruction.NearBranchTarget);
                break;
            case BlockEnd.Call:
                roots.Add(instruction.NearBranchTarget, RootReason.Call);
                if (!ReturnSites.TryGetValue(instruction.NearBranchTarget, out var sites)) ReturnSites[instruction.NearBranchTarget] = sites = [];
                sites.Add(instruction.NextIP);
                break;
            case BlockEnd.Syscall:
                SystemCalls.Add(index);
                break;
            case BlockEnd.IndirectJump:
                IndirectJumps.Add(instruction.IP);
                break;
        }
    }

    /// <summary>Position-independent code makes addresses by lea alone; other code also by immediates.</summary>
    void Note(in Instruction i)
    {
        if (i.Mnemonic == Mnemonic.Lea && i.IsIPRelativeMemoryOperand) NotePointer(i.IPRelativeMemoryAddress, isNumber: false);
        if (image.IsPie) return;
        if (i.Mnemonic == Mnemonic.Lea && !i.IsIPRelativeMemoryOperand) NotePointer(i.MemoryDisplacement64, isNumber: true);
        for (var operand = 0; operand < i.OpCount; operand++)
            if (i.GetOpKind(operand) is OpKind.Immediate32 or OpKind.Immediate32to64 or OpKind.Immediate64)
                NotePointer(i.GetImmediate(operand), isNumber: true);
    }

    void NotePointer(ulong address, bool isNumber)
    {
        if (image.IsExecutable(address)) CodePointers.Add((address, isNumber));
    }
}
