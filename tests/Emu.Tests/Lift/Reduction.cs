using System.Numerics;
using Emu.Ir;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Makes a disagreement small, and a line of tests/lift of it.</summary>
static class Reduction
{
    static readonly string[] control = ["ftop", "ftag", "fsw", "fcw", "mxcsr", "df", "fsbase", "gsbase"];

    /// <summary>The line, with what differs behind it.</summary>
    public static string Report(Disagreement d)
    {
        d = Shorter(d);
        using var contest = new Contest([d.Case]);
        string? difference = contest.Try(0, d.Before, d.Level);
        string kind = Kind(difference);
        var small = Smaller(d.Before, m => Kind(contest.Try(0, m, d.Level)) == kind);
        difference = contest.Try(0, small, d.Level) ?? d.Difference + " (not always)";
        return $"{Line(d.Case, small)}\n; {d.Where}: {difference}";
    }

    /// <summary>What differs, without how: a smaller input must show the same.</summary>
    static string Kind(string? difference) => difference is null ? "" : difference.StartsWith("signal", StringComparison.Ordinal) ? difference : string.Join(' ', difference.Split("; ").Select(d => d.Split(' ')[0]));

    /// <summary>Leaves out instructions of a block as long as it still fails; all shorter blocks are compiled together.</summary>
    static Disagreement Shorter(Disagreement d)
    {
        while (d.Case.Instructions.Count > 1)
        {
            var shorter = Enumerable.Range(0, d.Case.Instructions.Count).Select(n => Without(d.Case, n)).ToList();
            using var contest = new Contest(shorter);
            int first = Enumerable.Range(0, shorter.Count).FirstOrDefault(n => contest.Try(n, d.Before, d.Level) != null, -1);
            if (first < 0) return d;
            d = d with { Case = shorter[first] };
        }
        return d;
    }

    static Case Without(Case c, int n)
    {
        var code = c.Instructions.Index().Where(x => x.Index != n).SelectMany(x => c.Subject.Code.Skip((int)(x.Item.IP - HostMemory.Slot)).Take(x.Item.Length));
        return new(c.Subject with { Code = [.. code] });
    }

    /// <summary>Takes every part of the state from the lines' noise for which that is as bad.</summary>
    static Machine Smaller(Machine bad, Func<Machine, bool> fails)
    {
        var plain = LiftCase.Plain();
        var small = bad.Copy();
        foreach (var part in Parts())
        {
            var attempt = small.Copy();
            foreach (int at in part) Byte(attempt, at) = Byte(plain, at);
            if (fails(attempt)) small = attempt;
        }
        return small;
    }

    /// <summary>Runs of bytes, numbered through state and memory: coarse ones first.</summary>
    static IEnumerable<IEnumerable<int>> Parts()
    {
        IEnumerable<int> Run(int at, int size) => Enumerable.Range(at, size);
        const int memory = GuestState.Streams;
        yield return Run(memory, HostMemory.ScratchSize);
        for (int size = 512; size >= 16; size /= 2)
            for (int at = 0; at < HostMemory.ScratchSize; at += size) yield return Run(memory + at, size);
        yield return Run(GuestState.Vectors, 512);
        yield return Run(GuestState.X87, 128);
        foreach (var name in control) yield return Run(GuestState.Offset(name), GuestState.SizeOf(name));
        for (int n = 0; n < 6; n++) yield return Run(GuestState.Flags + n, 1);
        foreach (var name in GuestState.Gprs) yield return Run(GuestState.Offset(name), 8);
        for (int n = 0; n < 8; n++) yield return Run(GuestState.X87 + 16 * n, 16);
        for (int n = 31; n >= 0; n--) yield return Run(GuestState.Vectors + 16 * n, 16);
    }

    static ref byte Byte(Machine m, int at) => ref at < GuestState.Streams ? ref m.State.Bytes[at] : ref m.Memory[at - GuestState.Streams];

    /// <summary>The case as a line of tests/lift: everything that is not the lines' noise is said.</summary>
    public static string Line(Case c, Machine before) => $"{Text(c)} | {string.Join(' ', Inputs(before))}";

    /// <summary>The instructions for nasm; as bytes where it would make others of the text.</summary>
    static string Text(Case c)
    {
        var formatter = new NasmFormatter();
        var texts = c.Instructions.Select(i =>
        {
            var output = new StringOutput();
            formatter.Format(i, output);
            return output.ToStringAndReset();
        });
        string text = string.Join("; ", texts);
        try { if (HostMemory.Assemble(text.Replace(';', '\n')).AsSpan().SequenceEqual(c.Subject.Code)) return text; }
        catch (FormatException) { }
        return $"; {text}\ndb {string.Join(", ", c.Subject.Code.Select(b => $"0x{b:x2}"))}";
    }

    static IEnumerable<string> Inputs(Machine before)
    {
        var plain = LiftCase.Plain();
        State s = before.State, p = plain.State;
        foreach (var name in control.Concat(GuestState.Gprs))
            if (s[name] != p[name]) { yield return $"{name}=0x{s[name]:x}"; p[name] = s[name]; }
        foreach (char flag in FlagTable.Letters(s.Flags)) yield return $"{flag}f";
        foreach (var (name, size) in Enumerable.Range(0, 8).Select(n => ($"st{n}", 10)).Concat(Enumerable.Range(0, 16).Select(n => ($"ymm{n}", 32))))
        {
            BigInteger mine = s.Get(new(name), size), noise = p.Get(new(name), size);
            if (mine == noise) continue;
            bool low = size == 32 && mine >> 128 == noise >> 128;
            yield return $"{(low ? "x" + name[1..] : name)}=0x{(low ? mine & ((BigInteger.One << 128) - 1) : mine):x}";
        }
        for (int at = 0; at < before.Memory.Length; at += 16)
            if (!before.Memory.AsSpan(at, 16).SequenceEqual(plain.Memory.AsSpan(at, 16)))
                yield return $"mem{at - before.Memory.Length / 2:+0;-0;+0}={Convert.ToHexStringLower(before.Memory.AsSpan(at, 16))}";
    }
}
