using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Finds the constant that a register holds at an instruction, going back over all paths of the function (reaching definitions).</summary>
internal sealed class ReachingConstant(CodeMap map, RootSet roots)
{
    const int Budget = 20000;

    readonly Dictionary<(Register, int), (int Size, ulong? Value)> known = [];

    /// <summary>The one constant among the definitions that reach; others than constants are ignored, two constants are none.</summary>
    public ulong? Of(Register register, int index)
    {
        if (!known.TryGetValue((register, index), out var answer) || answer.Size != map.Count)
            answer = known[(register, index)] = (map.Count, Search(register, index));
        return answer.Value;
    }

    ulong? Search(Register register, int index)
    {
        var found = new HashSet<ulong>();
        var seen = new HashSet<(int, Register, ulong)>();
        var pending = new Stack<(int At, Register Register, ulong Slot)>();
        Before(index, register, 0);
        while (pending.TryPop(out var state) && found.Count < 2 && seen.Count < Budget)
        {
            var i = map[state.At];
            if (!Defines(state.At, i, state.Register, state.Slot)) Before(state.At, state.Register, state.Slot);
            else if (ConstantOf(i) is { } constant) found.Add(constant);
            else if (CopySource(i) is { } source) Before(state.At, source, 0);
            else if (IsReload(i)) Before(state.At, i.MemoryBase, i.MemoryDisplacement64);
        }
        return found.Count == 1 ? found.Single() : null;

        void Before(int at, Register wanted, ulong slot)
        {
            if (roots.IsFunction(map[at].IP)) return;
            if (map.Previous(at) is >= 0 and var previous) Push(previous, wanted, slot);
            foreach (var jump in map.JumpsTo(map[at].IP)) Push(jump, wanted, slot);
        }

        void Push(int at, Register wanted, ulong slot)
        {
            if (seen.Add((at, wanted, slot))) pending.Push((at, wanted, slot));
        }
    }

    /// <summary>With a slot (displacement from a stack register) the memory is wanted, not the register.</summary>
    bool Defines(int at, in Instruction i, Register wanted, ulong slot) => slot == 0
        ? (map.Written(at) >> (wanted - Register.RAX) & 1) != 0
        : i is { Mnemonic: Mnemonic.Mov, Op0Kind: OpKind.Memory } && i.MemoryBase == wanted && i.MemoryDisplacement64 == slot && i.MemoryIndex == Register.None;

    static ulong? ConstantOf(in Instruction i)
    {
        if (i is { Mnemonic: Mnemonic.Lea } && i.IsIPRelativeMemoryOperand) return i.IPRelativeMemoryAddress;
        if (i is { Mnemonic: Mnemonic.Lea, MemoryBase: Register.None, MemoryIndex: Register.None }) return i.MemoryDisplacement64;
        return i.Mnemonic == Mnemonic.Mov && i.Op1Kind is OpKind.Immediate32 or OpKind.Immediate64 or OpKind.Immediate32to64 ? i.GetImmediate(1) : null;
    }

    static Register? CopySource(in Instruction i) =>
        i is { Mnemonic: Mnemonic.Mov, Op1Kind: OpKind.Register } && i.Op1Register.IsGPR64() ? i.Op1Register : null;

    static bool IsReload(in Instruction i) =>
        i is { Mnemonic: Mnemonic.Mov, Op1Kind: OpKind.Memory, MemoryIndex: Register.None } && i.MemoryBase is Register.RSP or Register.RBP && i.MemoryDisplacement64 != 0;
}
