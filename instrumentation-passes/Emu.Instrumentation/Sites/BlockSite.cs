namespace Emu.Instrumentation;

/// <summary>The entry of a translation block. All guest state is that before the first instruction.</summary>
public sealed class BlockSite : CodeSite
{
    readonly Lazy<IReadOnlyList<GuestInstruction>> instructions;

    internal BlockSite(GuestInstruction first, Lazy<IReadOnlyList<GuestInstruction>> all, Place entry) : base(first) => (instructions, Natural) = (all, entry);

    /// <summary>Where the block starts in the guest.</summary>
    public ulong Address => Instruction.Address;

    /// <summary>The block's instructions, in order. All run when the first does, unless one faults or ends the program.</summary>
    public IReadOnlyList<GuestInstruction> Instructions => instructions.Value;

    /// <summary>Bytes of guest code.</summary>
    public int Length => Instructions.Sum(i => i.Length);

    private protected override Place Natural { get; }
}
