using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Finds where new threads, and processes that share memory, begin: behind a system call whose number was just set to clone, vfork or clone3. The return site is a root.</summary>
internal sealed class CloneReturns(CodeMap map, RootSet roots, Explorer explorer)
{
    const int LookBack = 32;
    const ulong Clone = 56, Vfork = 58, Clone3 = 435;
    const ushort Rax = 1;

    public void Add()
    {
        foreach (var syscall in explorer.SystemCalls)
            if (NumberAt(syscall) is Clone or Vfork or Clone3)
                roots.Add(map[syscall].NextIP, RootReason.SecondReturn);
    }

    /// <summary>What the last instruction before it that writes rax puts there, null when that is no constant; <c>mov al</c> is enough.</summary>
    ulong? NumberAt(int syscall)
    {
        var at = map.Previous(syscall);
        for (var n = 0; at >= 0 && n < LookBack; n++, at = map.Previous(at))
            if ((map.Written(at) & Rax) != 0)
                return map[at] is { Mnemonic: Mnemonic.Mov, Op0Kind: OpKind.Register } i && i.Op1Kind is OpKind.Immediate8 or OpKind.Immediate32 or OpKind.Immediate32to64 or OpKind.Immediate64 ? i.GetImmediate(1) : null;
        return null;
    }
}
