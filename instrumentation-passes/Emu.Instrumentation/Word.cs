using System.Numerics;
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

    Word(ulong known) => (Known, Bits) = (known, 64 - BitOperations.LeadingZeroCount(known));
    Word(Func<Place, V> compute, int bits) => (this.compute, Bits) = (compute, bits);

    /// <summary>The number, if it is known while translating.</summary>
    public ulong? Known { get; }

    /// <summary>All bits from this one on are 0: 64, unless it is known to be less.</summary>
    internal int Bits { get; }

    public static implicit operator Word(bool b) => new(b ? 1u : 0u);
    public static implicit operator Word(int n) => new((ulong)n);
    public static implicit operator Word(uint n) => new(n);
    public static implicit operator Word(long n) => new((ulong)n);
    public static implicit operator Word(ulong n) => new(n);

    /// <summary>A stream's number, for a probe that appends records itself (emu_append).</summary>
    public static implicit operator Word(RecordStream s) => new(at => at.E.Const(IrType.I64, s.Id), 64);

    // Arithmetic modulo 2^64, so that a pass can hand over a cache line's number or a distance.
    public static Word operator +(Word a, Word b) => Combine(a, b, (x, y) => x + y, (x, y) => x + y, Math.Max(a.Bits, b.Bits) + 1);
    public static Word operator -(Word a, Word b) => Combine(a, b, (x, y) => x - y, (x, y) => x - y, 64);
    public static Word operator &(Word a, Word b) => Combine(a, b, (x, y) => x & y, (x, y) => x & y, Math.Min(a.Bits, b.Bits));
    public static Word operator |(Word a, Word b) => Combine(a, b, (x, y) => x | y, (x, y) => x | y, Math.Max(a.Bits, b.Bits));
    public static Word operator ^(Word a, Word b) => Combine(a, b, (x, y) => x ^ y, (x, y) => x ^ y, Math.Max(a.Bits, b.Bits));
    public static Word operator <<(Word a, int count) => Combine(a, count & 63, (x, y) => x << (int)y, (x, y) => x.With(Op.Shl, y), a.Bits + (count & 63));
    public static Word operator >>(Word a, int count) => Combine(a, count & 63, (x, y) => x >> (int)y, (x, y) => x.With(Op.Shr, y), a.Bits - (count & 63));

    /// <summary>The lowest <paramref name="bits"/> bits: for a field of a record that is smaller than the word.</summary>
    public Word Low(int bits) => bits is > 0 and < 64 ? this & ((1ul << bits) - 1) : bits == 64 ? this : throw new ArgumentOutOfRangeException(nameof(bits), bits, "1 to 64");

    /// <summary>A number computed at run time, of at most <paramref name="bits"/> bits; <paramref name="compute"/> emits into the place where it is used.</summary>
    internal static Word At(Func<Place, V> compute, int bits = 64) => new(compute, bits);

    /// <summary>The value where it is used, zero-extended or cut to <paramref name="type"/>.</summary>
    internal V In(Place at, IrType type) => Known is { } n ? at.E.ConstBits(type, n) : at.Once(this, compute!).Fit(type);

    static Word Combine(Word a, Word b, Func<ulong, ulong, ulong> now, Func<V, V, V> later, int bits) =>
        a.Known is { } x && b.Known is { } y ? new(now(x, y)) : new(at => later(a.In(at, IrType.I64), b.In(at, IrType.I64)), Math.Clamp(bits, 0, 64));
}
