namespace Emu.Instrumentation;

/// <summary>A decoded guest instruction: everything a pass may want to decide by, so that none parses text.</summary>
public abstract class GuestInstruction
{
    IReadOnlyList<Operand>? operands;
    string? disassembly;

    public required ulong Address { get; init; }
    public required int Length { get; init; }

    /// <summary>The plain mnemonic in lower case, without prefixes: <c>mov</c>, <c>movsb</c>, <c>addps</c>.</summary>
    public required string Mnemonic { get; init; }
    public required InstructionClass Class { get; init; }

    /// <summary>How it transfers control, if it does.</summary>
    public BranchKind Branch { get; init; }

    /// <summary>Where a direct branch or call goes when taken; null for indirect ones and everything else.</summary>
    public ulong? Target { get; init; }

    /// <summary>The symbol that covers <see cref="Target"/>.</summary>
    public GuestSymbol? TargetSymbol { get; init; }

    /// <summary>
    /// Of a jump or call through a slot of the global offset table that the dynamic linker fills with a function's address (PLT stubs do
    /// that): the function's name. Of a slot that a resolver fills (IFUNC): the resolver's.
    /// </summary>
    public string? Import { get; init; }

    /// <summary>The name of the file that the code is of; null: it was generated, or the file was opened at run time.</summary>
    public string? File { get; init; }

    /// <summary>With a lock prefix, or locked without one (<c>xchg</c> with memory).</summary>
    public bool IsLocked { get; init; }

    /// <summary>A string instruction with a rep, repe or repne prefix.</summary>
    public bool IsRepeated { get; init; }

    /// <summary>The symbol that covers the address, and how far inside it is; null: none.</summary>
    public GuestSymbol? Symbol { get; init; }

    /// <summary>
    /// The address of its function: of the symbol, else what the file's unwind tables and sections say (of a stripped program); 0: the code is of no file.
    /// </summary>
    public ulong Function { get; init; }

    /// <summary>The instruction's encoding.</summary>
    public abstract ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Explicit operands first, as written (destination first), then those that the instruction implies in memory or registers.</summary>
    public IReadOnlyList<Operand> Operands => operands ??= Decode();

    /// <summary>The instruction as text, Intel syntax.</summary>
    public string Disassembly => disassembly ??= Disassemble();

    /// <summary>The address of the next instruction in memory.</summary>
    public ulong Next => Address + (ulong)Length;

    /// <summary>Whether it reads or writes memory by what its operands say.</summary>
    public bool TouchesMemory => Operands.Any(o => o is Operand.Memory { Read: true } or Operand.Memory { Written: true });

    public override string ToString() => $"0x{Address:x} {Disassembly}";

    // What most passes never ask for is made when one does.
    protected abstract IReadOnlyList<Operand> Decode();
    protected abstract string Disassemble();
}

/// <summary>A symbol, and an address inside it.</summary>
public sealed record GuestSymbol(string Name, ulong Address, ulong Offset)
{
    /// <summary>Its name in the file, where <see cref="Name"/> is for people: what C++ and Rust make of a function's name and types.</summary>
    public string RawName { get; init; } = Name;

    public override string ToString() => Offset == 0 ? Name : $"{Name}+0x{Offset:x}";
}

/// <summary>How an instruction transfers control.</summary>
public enum BranchKind { None, Jump, IndirectJump, Conditional, Call, IndirectCall, Return, SystemCall, Interrupt }

/// <summary>What an instruction is for: the chapters of Intel SDM vol. 1, 5.1 to 5.26, the large ones divided.</summary>
public enum InstructionClass
{
    Other, Move, Stack, Arithmetic, Multiply, Compare, Logic, Shift, Bit, SetCondition, ConditionalMove, Flag, String, Address,
    Jump, Branch, Call, Return, SystemCall, System, Nop, X87, Mmx, Sse, Avx, Crypto,
}

/// <summary>One operand. A closed set of kinds; sizes are in bytes.</summary>
public abstract record Operand(int Size, bool Read, bool Written)
{
    public sealed record Register(string Name, int Size, bool Read, bool Written) : Operand(Size, Read, Written);
    public sealed record Immediate(long Value, int Size) : Operand(Size, Read: true, Written: false);

    /// <summary>[segment: base + index * scale + displacement]; of a rip-relative one, Base is "rip" and Displacement the address itself. An address that is only computed (lea) is neither read nor written.</summary>
    public sealed record Memory(string? Segment, string? Base, string? Index, int Scale, long Displacement, int Size, bool Read, bool Written) : Operand(Size, Read, Written);
}
