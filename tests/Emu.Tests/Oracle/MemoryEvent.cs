namespace Emu.Tests.Oracle;

/// <summary>One memory access of an executed instruction, in the order of tests/oracle/README.md; size in bytes.</summary>
public readonly record struct MemoryEvent(ulong Pc, ulong Address, int Size, bool IsStore, bool Locked = false)
{
    public override string ToString() => $"{Pc:x} {(IsStore ? "store" : "load")} {Address:x} {Size}{(Locked ? " locked" : "")}";
}
