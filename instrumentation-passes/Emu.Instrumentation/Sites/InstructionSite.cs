namespace Emu.Instrumentation;

/// <summary>An instruction. Its own actions go before it.</summary>
public sealed class InstructionSite : CodeSite
{
    readonly Place after;

    internal InstructionSite(GuestInstruction instruction, Place before, Place after) : base(instruction) => (Before, this.after) = (before, after);

    /// <summary>Where the instruction is in the guest.</summary>
    public ulong Address => Instruction.Address;

    /// <summary>Just before the instruction.</summary>
    public Place Before { get; }

    /// <summary>Whether there is a place after the instruction: not for what transfers control, nor for system calls.</summary>
    public bool HasAfter => Instruction.Branch == BranchKind.None;

    /// <summary>Just after the instruction, with its results in the registers. Of a rep string instruction: after the last repetition.</summary>
    public Place After => HasAfter ? after : throw new SiteException($"0x{Address:x}: there is no place after '{Instruction.Disassembly}': it transfers control (ask HasAfter, or use the instruction that it leads to)");

    private protected override Place Natural => Before;
}
