using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>One access to memory that an IR operation makes.</summary>
/// <param name="Address">The offset inside the segment.</param>
/// <param name="Size">Bytes that are transferred.</param>
/// <param name="Value">What is loaded or stored; computed only where it is asked for.</param>
/// <param name="Happens">Whether it happens, where only the run can tell: an i1.</param>
/// <param name="IsKnownBefore">Whether the value exists before the access.</param>
sealed record Access(Value Address, int Size, bool IsStore, string? Segment, Func<Place, V> Value, bool IsKnownBefore, bool IsLocked = false, Word? Happens = null)
{
    /// <summary>The accesses of an operation in the order the CPU makes them.</summary>
    /// <param name="before">The operations before it.</param>
    public static IReadOnlyList<Access> Of(Inst i, bool locked, List<Inst> before)
    {
        string? segment = (i.Detail as Detail.Access)?.Segment;
        Access Load() => new(i.Args[0], i.Type.Bytes, false, segment, at => new(at.E, i), false, locked);
        Access Store(Value v) => new(i.Args[0], v.Type.Bytes, true, segment, at => new(at.E, v), true, locked);
        return i.Op switch
        {
            Op.Load => [Load()],
            Op.Store => [Store(i.Args[1])],
            Op.Rmw => [Load() with { IsLocked = true }, Store(i.Args[1]) with { IsLocked = true, Value = at => Updated(at, i) }],
            Op.CmpXchg => [Load(), Store(i.Args[2]) with { Happens = Word.At(at => new V(at.E, i).Icmp(Predicate.Eq, new V(at.E, i.Args[1]))) }],
            Op.Helper when i.Detail is Detail.Named n && StateImage.Of(n.Name) is { } image => [Image(before, image)],
            _ => [],
        };
    }

    /// <summary>An image of x87 and vector state is one access; its linear address is in the state's <c>operand</c>. The value is the first 16 bytes, or 8 of the shortest.</summary>
    static Access Image(List<Inst> before, StateImage image)
    {
        var address = before.Last(i => i.Op == Op.Set && i.Detail is Detail.Register { Reg.Name: "operand" }).Args[0];
        return new(address, image.Size, image.IsStore, null, at => at.E.Load(image.Size < 16 ? IrType.I64 : IrType.I128, new(at.E, address)), false);
    }

    /// <summary>What a read-modify-write stores, from the old value that it gave.</summary>
    static V Updated(Place at, Inst i)
    {
        V operand = new(at.E, i.Args[1]);
        return ((Detail.Access)i.Detail!).Operation is { } op and not Op.Set ? new V(at.E, i).With(op, operand) : operand;
    }
}
