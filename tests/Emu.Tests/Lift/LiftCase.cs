using System.Globalization;
using System.Numerics;
using Emu.Ir;
using Emu.Tests.Programs;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>A line of tests/lift: <c>adc rax, rbx | rax=5 rbx=-1 cf</c>, and after another | what is expected, where that is worth reading.</summary>
/// <remarks>
/// <c>mem</c> is the address of scratch memory (as a register's value) and its content (<c>mem=0011ff</c>, <c>mem+16=00</c>, in the order of addresses);
/// <c>1.5</c> is a double in a vector register's low lane and a number in an x87 register. Flags are clear unless named; what
/// is not given is the same noise in every run. Several instructions are separated by semicolons.
/// </remarks>
sealed record LiftCase(string Place, string Assembly, string Inputs, string Expected)
{
    public Case Case { get; private set; } = new(new([], false));

    /// <summary>Every case of tests/lift.</summary>
    public static List<LiftCase> All()
    {
        var cases = new List<LiftCase>();
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "tests/lift"), "*.txt").Order(StringComparer.Ordinal))
            foreach (var (n, line) in File.ReadAllLines(file).Index())
                if (line.Trim() is not ("" or [';', ..]) && line.Split('|', StringSplitOptions.TrimEntries) is var p)
                    cases.Add(new($"{Path.GetFileName(file)}:{n + 1}", p[0], p.ElementAtOrDefault(1) ?? "", p.ElementAtOrDefault(2) ?? ""));
        Assemble(cases);
        return cases;
    }

    /// <summary>One run of nasm for all: each case is assembled as if at the slot, and a table of lengths follows the code.</summary>
    static void Assemble(List<LiftCase> cases)
    {
        var code = cases.Select((c, n) => $"c{n}:\n{c.Assembly.Replace(';', '\n')}");
        var all = HostMemory.Assemble($"{string.Join('\n', code)}\nc{cases.Count}:\n{string.Join('\n', cases.Select((_, n) => $"dd c{n + 1} - c{n}"))}");
        for (int n = 0, at = 0; n < cases.Count; n++)
        {
            int size = BitConverter.ToInt32(all, all.Length - 4 * (cases.Count - n));
            cases[n].Case = new(new(all[at..(at += size)], ExplodeRep: n % 2 == 0));
        }
    }

    /// <summary>The state of a line without inputs.</summary>
    public static Machine Plain()
    {
        var m = Lift.Inputs.Noise();
        m.State.Flags = Flag.None;
        foreach (var (name, value) in new[] { ("df", 0ul), ("rsp", Machine.Middle + 0x800), ("mxcsr", 0x1f80ul), ("fcw", 0x37ful), ("fsw", 0ul), ("ftop", 2ul), ("ftag", 0xfcul), ("fsbase", 0ul), ("gsbase", 0ul) }) m.State[name] = value;
        return m;
    }

    /// <summary>The state and memory that the inputs describe.</summary>
    public Machine Before()
    {
        var m = Plain();
        foreach (var (name, value) in Words(Inputs))
            if (name.StartsWith("mem", StringComparison.Ordinal)) Convert.FromHexString(value).CopyTo(m.Memory.AsSpan(MemoryAt(m, name)));
            else if (FlagOf(name) is { } f && value == "") m.State.Flags |= f;
            else m.State.Set(Register(name, value, out int bytes), Number(name, value), bytes);
        return m;
    }

    /// <summary>Where <c>mem</c> or <c>mem+16</c> lies in the scratch memory.</summary>
    static int MemoryAt(Machine m, string name) => m.Memory.Length / 2 + (name.Length > 3 ? int.Parse(name[3..], CultureInfo.InvariantCulture) : 0);

    /// <summary>Those expectations that a state does not meet.</summary>
    public string Unmet(Machine after) => string.Join(' ', Words(Expected).Where(w => !Holds(after, w.Name, w.Value)).Select(w => $"{w.Name}={w.Value}"));

    static bool Holds(Machine m, string name, string value)
    {
        if (name.StartsWith("mem", StringComparison.Ordinal)) return m.Memory.AsSpan(MemoryAt(m, name)).StartsWith(Convert.FromHexString(value));
        bool clear = name[0] == '!';
        if (FlagOf(name.TrimStart('!')) is { } f && value == "") return (m.State.Flags & f) != 0 ^ clear;
        var reg = Register(name, value, out int bytes);
        return m.State.Get(reg, bytes) == Number(name, value);
    }

    static IEnumerable<(string Name, string Value)> Words(string s) =>
        s.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => w.Split('=') is [var name, var value] ? (name, value) : (w, ""));

    static Flag? FlagOf(string name) => name is [var letter, 'f'] && GuestState.FlagBytes.Any(f => f.Letter == letter) ? FlagTable.Parse(letter.ToString()) : null;

    /// <summary>Where a name lies: xmm writes its 16 bytes, or with a double the low 8.</summary>
    static Reg Register(string name, string value, out int bytes)
    {
        bool vector = name.StartsWith("xmm", StringComparison.Ordinal) || name.StartsWith("ymm", StringComparison.Ordinal);
        string full = vector ? "ymm" + name[3..] : name;
        if (!GuestState.IsRegister(full)) throw new FormatException($"no register '{name}'");
        bytes = !vector ? full.StartsWith("st", StringComparison.Ordinal) ? 10 : GuestState.SizeOf(full) : value.Contains('.') ? 8 : name[0] == 'x' ? 16 : 32;
        return new(full);
    }

    static BigInteger Number(string name, string value)
    {
        if (value.StartsWith("mem", StringComparison.Ordinal)) return Machine.Middle + (ulong)(value.Length > 3 ? int.Parse(value[3..], CultureInfo.InvariantCulture) : 0);
        if (value.StartsWith("0x", StringComparison.Ordinal)) return BigInteger.Parse("0" + value[2..].Replace("_", "", StringComparison.Ordinal), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        if (value is "inf" or "nan" || value.Contains('.'))
        {
            double d = value switch { "inf" => double.PositiveInfinity, "nan" => double.NaN, _ => double.Parse(value, CultureInfo.InvariantCulture) };
            return name[0] == 's' ? new BigInteger(Edges.Widen(d), isUnsigned: true) : BitConverter.DoubleToUInt64Bits(d);
        }
        long n = long.Parse(value, CultureInfo.InvariantCulture);
        return name[0] == 's' ? new BigInteger(Edges.Widen(n), isUnsigned: true) : (ulong)n;
    }
}
