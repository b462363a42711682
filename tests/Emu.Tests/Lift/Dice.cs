using System.Runtime.InteropServices;

namespace Emu.Tests.Lift;

/// <summary>Random numbers that are the same on every machine for a seed, and cheap (splitmix64; .NET's seeded ones make one byte at a time).</summary>
sealed class Dice(ulong seed) : Random
{
    ulong state = seed;

    ulong Word()
    {
        ulong z = state += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }

    public override int Next() => (int)(Word() >> 33);
    public override int Next(int max) => (int)((Word() >> 32) * (ulong)max >> 32);
    public override int Next(int min, int max) => min + (int)((Word() >> 32) * (ulong)(max - min) >> 32);
    public override long NextInt64() => (long)(Word() >> 1);
    public override long NextInt64(long min, long max) => min + (long)(Word() % (ulong)(max - min));
    public override double NextDouble() => (Word() >> 11) * (1.0 / (1ul << 53));
    protected override double Sample() => NextDouble();

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        foreach (ref ulong word in MemoryMarshal.Cast<byte, ulong>(buffer)) word = Word();
        foreach (ref byte b in buffer[(buffer.Length & ~7)..]) b = (byte)Word();
    }

    /// <summary>True once in <paramref name="n"/> times.</summary>
    public bool OneIn(int n) => Next(n) == 0;
}
