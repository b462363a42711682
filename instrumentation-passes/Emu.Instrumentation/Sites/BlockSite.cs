namespace Emu.Instrumentation;

/// <summary>The entry of a translation block. All guest state is that before the first instruction.</summary>
public sealed class BlockSite : Site
{
    internal BlockSite(IReadOnlyList<GuestInstruction> instructions, Place entry) : base(instructions[0]) => (Instructions, Natural) = (instructions, entry);

    /// <summary>Where the block starts in the guest.</summary>
    public ulong Address => Instruction.Address;

    /// <summary>The block's instructions, in order. All run when the first does, unless one faults or ends the program.</summary>
    public IReadOnlyList<GuestInstruction> Instructions { get; }

    /// <summary>Bytes of guest code.</summary>
    public int Length => Instructions.Sum(i => i.Length);

    private protected override Place Natural { get; }
}
