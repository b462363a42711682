using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Where control goes after an instruction (Intel SDM volume 2; Iced's flow control refined).</summary>
internal static class Flow
{
    /// <summary>How a block ends with this instruction, null when it goes on.</summary>
    public static BlockEnd? End(in Instruction i) => i.Mnemonic switch
    {
        Mnemonic.INVALID => BlockEnd.InvalidCode,
        Mnemonic.Syscall => BlockEnd.Syscall,
        Mnemonic.Int when i.Immediate8 == 0x80 => null,
        Mnemonic.Hlt => BlockEnd.Trap,
        Mnemonic.Call => IsDirect(i) ? BlockEnd.Call : BlockEnd.IndirectCall,
        Mnemonic.Jmp => i.IsJmpFarIndirect ? BlockEnd.Trap : IsDirect(i) ? BlockEnd.Jump : BlockEnd.IndirectJump,
        Mnemonic.Ret or Mnemonic.Retf => BlockEnd.Return,
        _ => i.FlowControl switch
        {
            FlowControl.Next => null,
            FlowControl.ConditionalBranch => BlockEnd.Branch,
            _ => BlockEnd.Trap,
        },
    };

    /// <summary>Execution can go on behind an instruction that ends a block so.</summary>
    public static bool FallsThrough(BlockEnd end) =>
        end is BlockEnd.Fallthrough or BlockEnd.Branch or BlockEnd.Call or BlockEnd.IndirectCall or BlockEnd.Syscall;

    /// <summary>Direct target inside the program's flow (jumps and branches, not calls).</summary>
    public static bool HasTarget(BlockEnd end) => end is BlockEnd.Jump or BlockEnd.Branch;

    /// <summary>Instructions that user code never executes on purpose: a sign that data was decoded.</summary>
    public static bool IsSuspect(in Instruction i) =>
        i.IsInvalid || i.IsPrivileged && i.Mnemonic != Mnemonic.Hlt || IsFar(i) || i.Mnemonic is Mnemonic.In or Mnemonic.Out or Mnemonic.Insb
            or Mnemonic.Insd or Mnemonic.Outsb or Mnemonic.Outsd or Mnemonic.Iretq or Mnemonic.Iretd or Mnemonic.Int1;

    static bool IsDirect(in Instruction i) => i.Op0Kind is OpKind.NearBranch64 or OpKind.NearBranch32 or OpKind.NearBranch16;

    static bool IsFar(in Instruction i) => i.Op0Kind is OpKind.FarBranch16 or OpKind.FarBranch32 || i.IsCallFarIndirect || i.IsJmpFarIndirect || i.Mnemonic == Mnemonic.Retf;
}
