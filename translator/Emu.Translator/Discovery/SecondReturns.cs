using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// Finds calls of functions that return more than once (setjmp, vfork, getcontext): their return sites are roots. By name, and
/// without names by what such a function does first: it takes its own return address from the stack.
/// </summary>
internal sealed class SecondReturns(Image image, CodeMap map, RootSet roots, Explorer explorer)
{
    const int LookAhead = 24;

    static readonly HashSet<string> Names =
    [
        "setjmp", "_setjmp", "__setjmp", "sigsetjmp", "__sigsetjmp", "vfork", "__vfork", "__libc_vfork", "getcontext", "__getcontext",
        "swapcontext", "__swapcontext", "savectx", "returns_twice",
    ];

    public void Add()
    {
        foreach (var (callee, sites) in explorer.ReturnSites)
            if (image.Symbols.At(callee).Any(s => Names.Contains(s.Name)) || Imported(callee) is { } name && Names.Contains(name) || KeepsReturnAddress(callee))
                foreach (var site in sites)
                    roots.Add(site, RootReason.SecondReturn);
    }

    /// <summary>The function that a place of the PLT jumps to.</summary>
    string? Imported(ulong callee)
    {
        int index = map.IndexOf(callee);
        if (index < 0) return null;
        var i = map[index];
        if (i.Mnemonic == Mnemonic.Endbr64 && map.IndexOf(i.NextIP) is >= 0 and var next) i = map[next];
        return i is { Mnemonic: Mnemonic.Jmp, IsIPRelativeMemoryOperand: true } ? image.ImportAt(i.IPRelativeMemoryAddress) : null;
    }

    /// <summary>`mov reg, [rsp]` or `pop reg` before anything else moved the stack pointer, the register then stored or used to return.</summary>
    bool KeepsReturnAddress(ulong callee)
    {
        var holder = Register.None;
        for (var (pc, n) = (callee, 0); n < LookAhead && map.IndexOf(pc) is >= 0 and var index; n++)
        {
            var i = map[index];
            if (holder != Register.None && StoresAway(i, holder)) return true;
            if (holder == Register.None && TakesReturnAddress(i)) holder = i.Op0Register;
            else if (i.StackPointerIncrement != 0 || i is { Op0Kind: OpKind.Register, Op0Register: Register.RSP }) return false;
            else if (i.Mnemonic is not Mnemonic.Cmp and not Mnemonic.Test && i.Op0Kind == OpKind.Register && i.Op0Register.GetFullRegister() == holder && !IsMangling(i)) return false;
            var end = Flow.End(i);
            if (end is BlockEnd.Jump) pc = i.NearBranchTarget;
            else if (end is null or BlockEnd.Branch or BlockEnd.Syscall) pc = i.NextIP;
            else return false;
        }
        return false;
    }

    static bool TakesReturnAddress(in Instruction i) =>
        i.Mnemonic == Mnemonic.Pop && i.Op0Kind == OpKind.Register
        || i is { Mnemonic: Mnemonic.Mov, Op0Kind: OpKind.Register, Op1Kind: OpKind.Memory, MemoryBase: Register.RSP, MemoryIndex: Register.None, MemoryDisplacement64: 0 }
            && i.Op0Register.IsGPR64();

    static bool StoresAway(in Instruction i, Register holder) =>
        i is { Mnemonic: Mnemonic.Mov, Op0Kind: OpKind.Memory, Op1Kind: OpKind.Register } && i.Op1Register == holder && i.MemoryBase != Register.RSP
        || i is { Mnemonic: Mnemonic.Push, Op0Kind: OpKind.Register } && i.Op0Register == holder
        || i is { Mnemonic: Mnemonic.Jmp, Op0Kind: OpKind.Register } && i.Op0Register == holder;

    static bool IsMangling(in Instruction i) => i.Mnemonic is Mnemonic.Xor or Mnemonic.Rol or Mnemonic.Ror;
}
