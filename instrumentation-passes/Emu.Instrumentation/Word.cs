using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>
/// A number that a site can hand to a stream or a probe: known while translating (an address, a size) or only at run time
/// (a register, the address of an access). Where it is used decides what it costs: one that nobody uses costs nothing.
/// </summary>
public sealed class Word
{
    readonly Func<Place, V>? compute;

    Word(ulong known) => Known = known;
    Word(Func<Place, V> compute) => this.compute = compute;

    /// <summary>The number, if it is known while translating.</summary>
    public ulong? Known { get; }

    public static implicit operator Word(bool b) => new(b ? 1u : 0u);
    public static implicit operator Word(int n) => new((ulong)n);
    public static implicit operator Word(uint n) => new(n);
    public static implicit operator Word(long n) => new((ulong)n);
    public static implicit operator Word(ulong n) => new(n);

    /// <summary>A stream's number, for a probe that appends records itself (emu_append).</summary>
    public static implicit operator Word(RecordStream s) => new(at => at.E.Const(IrType.I64, s.Id));

    // Arithmetic modulo 2^64, so that a pass can hand over a cache line's number or a distance.
    public static Word operator +(Word a, Word b) => Combine(a, b, (x, y) => x + y, (x, y) => x + y);
    public static Word operator -(Word a, Word b) => Combine(a, b, (x, y) => x - y, (x, y) => x - y);
    public static Word operator &(Word a, Word b) => Combine(a, b, (x, y) => x & y, (x, y) => x & y);
    public static Word operator |(Word a, Word b) => Combine(a, b, (x, y) => x | y, (x, y) => x | y);
    public static Word operator ^(Word a, Word b) => Combine(a, b, (x, y) => x ^ y, (x, y) => x ^ y);
    public static Word operator <<(Word a, int count) => Combine(a, count & 63, (x, y) => x << (int)y, (x, y) => x.With(Op.Shl, y));
    public static Word operator >>(Word a, int count) => Combine(a, count & 63, (x, y) => x >> (int)y, (x, y) => x.With(Op.Shr, y));

    /// <summary>A number computed at run time; <paramref name="compute"/> emits into the place where it is used.</summary>
    internal static Word At(Func<Place, V> compute) => new(compute);

    /// <summary>The value where it is used, zero-extended or cut to <paramref name="type"/>.</summary>
    internal V In(Place at, IrType type) => Known is { } n ? at.E.ConstBits(type, n) : at.Once(this, compute!).Fit(type);

    static Word Combine(Word a, Word b, Func<ulong, ulong, ulong> now, Func<V, V, V> later) =>
        a.Known is { } x && b.Known is { } y ? new(now(x, y)) : new(at => later(a.In(at, IrType.I64), b.In(at, IrType.I64)));
}
