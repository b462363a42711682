using System.Collections.Concurrent;

namespace Emu.Ir;

/// <summary>Something an instruction may use as an operand.</summary>
public abstract class Value(Type type)
{
    public Type Type { get; } = type;
}

/// <summary>A constant, as the bit pattern of its type (at most 128 bits).</summary>
public sealed class Const(Type type, UInt128 bits) : Value(type)
{
    public UInt128 Bits { get; } = type.TotalBits < 128 ? bits & ((UInt128.One << type.TotalBits) - 1) : bits;
}

/// <summary>One operation and, if it has a result, the value that it defines. Values never cross a block.</summary>
public sealed class Inst : Value
{
    public Inst(Op op, Type type, Value[] args, Detail? detail = null)
        : base(op.Row().Result is "" or "T" ? type : OpTable.Resolve(op.Row().Result, type) ?? type)
    {
        (Op, Printed, Args, Detail) = (op, type, args, detail);
    }

    public Op Op { get; }

    /// <summary>T of the operation's signature: what it is printed with (a comparison's operand type, say).</summary>
    public Type Printed { get; }
    public Value[] Args { get; }
    public Detail? Detail { get; set; }

    /// <summary>Whether a pass inserted it: taking all such away gives the plain region back. Printed as a leading <c>+</c>.</summary>
    public bool Inserted { get; init; }

    /// <summary>Whatever number a pass gives it while it is at work on the block.</summary>
    public int Number { get; set; }
    public bool HasResult => Op.Row().Result != "";
}

/// <summary>What an operation carries besides values. A closed set: the printer switches over it.</summary>
public abstract record Detail
{
    /// <summary>A run of bytes in the guest state (<see cref="Op.Get"/>, <see cref="Op.Set"/>).</summary>
    public sealed record Register(Reg Reg) : Detail
    {
        static readonly ConcurrentDictionary<(string, int), Register> all = [];

        /// <summary>One for all operations on the same bytes.</summary>
        public static Register Of(string name, int at = 0) => all.GetOrAdd((name, at), static r => new(new Reg(r.Item1, r.Item2)));
    }

    /// <summary>Which flags, by which rule; <see cref="Live"/> are those that are written.</summary>
    public sealed record FlagWrite(FlagRule Rule, Flag Live) : Detail;

    /// <summary>One flag.</summary>
    public sealed record OneFlag(Flag Flag) : Detail;

    /// <summary>An x86 condition code.</summary>
    public sealed record Condition(Cc Cc) : Detail;

    /// <summary>How a comparison compares.</summary>
    public sealed record Comparison(Predicate Predicate) : Detail;

    /// <summary>A guest access below a segment base ("fs" or "gs"), for <see cref="Op.Rmw"/> what is done, and whether an address that is not a multiple of the size faults.</summary>
    public sealed record Access(string? Segment, Op? Operation = null, bool Aligned = false) : Detail;

    /// <summary>A guest instruction: address, length in bytes, and its disassembly when somebody wants to read it.</summary>
    public sealed record Guest(ulong Address, int Length, string? Text) : Detail;

    /// <summary>Where control goes.</summary>
    public sealed record Target(Label Then, Label? Else = null) : Detail;

    /// <summary>A jump table's targets, in order.</summary>
    public sealed record Table(IReadOnlyList<Label> Targets) : Detail;

    /// <summary>A lane's number, or the lanes of a shuffle.</summary>
    public sealed record Lanes(IReadOnlyList<int> Numbers) : Detail;

    /// <summary>The name of a host instruction, a helper or a string operation, and its immediate operand.</summary>
    public sealed record Named(string Name, int? Immediate = null) : Detail;

    /// <summary>A counter cell: array, key and how much is added.</summary>
    public sealed record Cell(string Array, ulong Key, long Amount, bool Guarded = false) : Detail;

    /// <summary>A stream or a probe, by name.</summary>
    public sealed record Symbol(string Name, bool Guarded = false) : Detail;

    /// <summary>Why a trap is there, and the signal that the guest gets.</summary>
    public sealed record Reason(int Signal, string Text) : Detail;
}

/// <summary>A block's name: the guest PC it starts at, and which part of that instruction (0 but for string loops).</summary>
public readonly record struct Label(ulong Address, int Part = 0) : IComparable<Label>
{
    public static implicit operator Label(ulong address) => new(address);
    public int CompareTo(Label other) => (Address, Part).CompareTo((other.Address, other.Part));
    public override string ToString() => Part == 0 ? $"0x{Address:x}" : $"0x{Address:x}.{Part}";
}

/// <summary>The status flags; the order is that of the text form (<c>oszapc</c>).</summary>
[Flags]
public enum Flag { None = 0, O = 1, S = 2, Z = 4, A = 8, P = 16, C = 32, All = 63 }

/// <summary>How flags follow from operands and result; <see cref="FlagTable"/> computes them.</summary>
public enum FlagRule { Add, Adc, Sub, Sbb, Logic, Result }

/// <summary>x86 condition codes in hardware order (Intel SDM vol. 1 appendix B).</summary>
public enum Cc { O, No, B, Ae, E, Ne, Be, A, S, Ns, P, Np, L, Ge, Le, G }

/// <summary>Integer comparisons (eq ... sge) and float comparisons (o: ordered, u: true on NaN), as LLVM names them.</summary>
public enum Predicate { Eq, Ne, Ult, Ule, Ugt, Uge, Slt, Sle, Sgt, Sge, Oeq, One, Olt, Ole, Ogt, Oge, Ord, Ueq, Une, Fult, Fule, Fugt, Fuge, Uno }

/// <summary>Straight-line operations with one entry, ended by one terminator.</summary>
public sealed class Block(Label label)
{
    public Label Label { get; } = label;
    public List<Inst> Code { get; } = [];
    public Inst Terminator => Code[^1];
}

/// <summary>A lifted region: its first block is the root's.</summary>
public sealed class Function(ulong entry)
{
    public ulong Entry { get; } = entry;
    public List<Block> Blocks { get; } = [];
}

/// <summary>The control-flow graph, read off terminators.</summary>
public static class Flow
{
    /// <summary>The labels that a terminator names, inside the region or not; a call's is its return site.</summary>
    public static IEnumerable<Label> Successors(this Inst terminator) => terminator.Detail switch
    {
        Detail.Target { Then: var then, Else: { } otherwise } => [then, otherwise],
        Detail.Target t => [t.Then],
        Detail.Table t => t.Targets,
        _ => [],
    };
}
