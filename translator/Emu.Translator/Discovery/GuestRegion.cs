using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>How a block ends.</summary>
public enum BlockEnd
{
    /// <summary>Runs into the next leader.</summary>
    Fallthrough,
    /// <summary>Direct unconditional jump.</summary>
    Jump,
    /// <summary>Direct conditional jump (also jrcxz, loop): to its target or to the next instruction.</summary>
    Branch,
    /// <summary>Direct call; goes on at the return site.</summary>
    Call,
    /// <summary>Call through a register or memory; goes on at the return site.</summary>
    IndirectCall,
    /// <summary>Jump through a register or memory, with <see cref="GuestBlock.Table"/> when resolved.</summary>
    IndirectJump,
    /// <summary>Near return.</summary>
    Return,
    /// <summary>`syscall`; goes on behind it.</summary>
    Syscall,
    /// <summary>Last instruction always faults or has no place in user code: hlt, ud2, int3, int n, far transfers.</summary>
    Trap,
    /// <summary>The bytes at <see cref="GuestBlock.EndAddress"/> are no instruction (the block may be empty).</summary>
    InvalidCode,
}

/// <summary>
/// A resolved indirect jump. <see cref="Targets"/>[i] is where table entry i leads. An index outside, or a target outside, is possible
/// (bounds are inferred): code must then jump to the address the guest computed, as for an unresolved jump.
/// </summary>
/// <param name="LoadAddress">PC of the instruction that reads the table, 0 when targets are computed without one.</param>
/// <param name="Index">64-bit register that holds the entry's number when that instruction starts (it is the index register of its
/// memory operand, with scale = entry size); <see cref="Register.None"/> when no register does: compare the target's address instead.</param>
/// <param name="Targets">Entries in table order, with repetitions.</param>
public sealed record JumpTable(ulong LoadAddress, Register Index, IReadOnlyList<ulong> Targets);

/// <summary>Straight-line code with one entry. The same address is the same block in every region.</summary>
/// <param name="Address">PC of the first instruction.</param>
/// <param name="Instructions">Decoded instructions; empty only for <see cref="BlockEnd.InvalidCode"/>.</param>
/// <param name="End">How it ends.</param>
/// <param name="Successors">Blocks of the same region it goes to: for a branch the target and then the next instruction as far as
/// they are inside; for a call the return site; for a table its distinct targets by address.</param>
/// <param name="Exits">Like <see cref="Successors"/>, but those outside the region: roots with a region of their own (callees are not listed).</param>
/// <param name="Table">The resolved table of an indirect jump.</param>
public sealed record GuestBlock(
    ulong Address, IReadOnlyList<Instruction> Instructions, BlockEnd End,
    IReadOnlyList<ulong> Successors, IReadOnlyList<ulong> Exits, JumpTable? Table)
{
    /// <summary>PC after the last instruction.</summary>
    public ulong EndAddress => Instructions.Count == 0 ? Address : Instructions[^1].NextIP;
}

/// <summary>The unit of translation: everything reachable from the root without leaving through a call, a return or another root.</summary>
/// <param name="Root">PC where it is entered.</param>
/// <param name="Blocks">The root's block first, the others by address.</param>
public sealed record GuestRegion(ulong Root, IReadOnlyList<GuestBlock> Blocks)
{
    /// <summary>Whether it is one instruction, behind which the guest stops (RFLAGS.TF): it is left for the core, wherever it goes.</summary>
    public bool IsStep { get; init; }

    /// <summary>Where direct jumps and calls go that leave it.</summary>
    public IEnumerable<ulong> Leaves() =>
        Blocks.SelectMany(b => b.End == BlockEnd.Call ? b.Exits.Append(b.Instructions[^1].NearBranchTarget) : b.Exits);
}
