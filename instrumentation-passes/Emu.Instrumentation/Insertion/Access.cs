using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>One access to memory that an IR operation makes.</summary>
/// <param name="Address">The offset inside the segment.</param>
/// <param name="Type">The type that is transferred.</param>
/// <param name="Value">What is loaded or stored; computed only where it is asked for.</param>
/// <param name="Happens">Whether it happens, where only the run can tell: an i1.</param>
sealed record Access(Value Address, IrType Type, bool IsStore, string? Segment, Func<Place, V> Value, bool IsLocked = false, Word? Happens = null)
{
    /// <summary>The accesses of an operation in the order the CPU makes them.</summary>
    public static IEnumerable<Access> Of(Inst i, bool locked)
    {
        string? segment = (i.Detail as Detail.Access)?.Segment;
        Access Load() => new(i.Args[0], i.Type, false, segment, at => new(at.E, i), locked);
        Access Store(Value v) => new(i.Args[0], v.Type, true, segment, at => new(at.E, v), locked);
        return i.Op switch
        {
            Op.Load => [Load()],
            Op.Store => [Store(i.Args[1])],
            Op.Rmw => [Load() with { IsLocked = true }, Store(i.Args[1]) with { IsLocked = true, Value = at => Updated(at, i) }],
            Op.CmpXchg => [Load(), Store(i.Args[2]) with { Happens = Word.At(at => new V(at.E, i).Icmp(Predicate.Eq, new V(at.E, i.Args[1]))) }],
            _ => [],
        };
    }

    /// <summary>What a read-modify-write stores, from the old value that it gave.</summary>
    static V Updated(Place at, Inst i)
    {
        V operand = new(at.E, i.Args[1]);
        return ((Detail.Access)i.Detail!).Operation is { } op and not Op.Set ? new V(at.E, i).With(op, operand) : operand;
    }
}
