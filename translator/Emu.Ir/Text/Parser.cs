using System.Globalization;

namespace Emu.Ir.Text;

/// <summary>The textual IR, inwards. Errors are <see cref="FormatException"/>s that name the line.</summary>
public static class Parser
{
    public static Function Parse(string text)
    {
        Function? f = null;
        Dictionary<string, Value> names = [];
        int number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.Trim();
            if (line == "" || line[0] == ';') continue;
            try
            {
                if (line.StartsWith("function ", StringComparison.Ordinal)) { f = new(Address(line[9..])); continue; }
                if (f is null) throw new FormatException("a text starts with 'function 0x...'");
                if (line.EndsWith(':')) { f.Blocks.Add(new(ParseLabel(line[..^1]))); names = []; continue; }
                f.Blocks[^1].Code.Add(Statement(line, names));
            }
            catch (Exception e) when (e is FormatException or InvalidOperationException or ArgumentException or KeyNotFoundException or OverflowException)
            {
                throw new FormatException($"line {number}: {e.Message}: {line}", e);
            }
        }
        return f ?? throw new FormatException("no function");
    }

    static Inst Statement(string line, Dictionary<string, Value> names)
    {
        bool inserted = line.StartsWith("+ ", StringComparison.Ordinal);
        if (inserted) line = line[2..];
        string? result = null;
        if (line[0] == '%' && line.IndexOf(" = ", StringComparison.Ordinal) is > 0 and var eq) { result = line[..eq]; line = line[(eq + 3)..]; }
        int space = line.IndexOf(' ');
        var head = new Queue<string>((space < 0 ? line : line[..space]).Split('.'));
        var inst = new Statement(OpTable.Parse(head.Dequeue()), head, space < 0 ? "" : line[(space + 1)..], names, inserted).Read();
        if (result != null) names[result] = inst;
        return inst;
    }

    internal static Label ParseLabel(string s) => s.Split('.') is [var a, var part] ? new(Address(a), int.Parse(part)) : new(Address(s));
    internal static UInt128 Number(string s) => s.StartsWith("0x", StringComparison.Ordinal) ? UInt128.Parse(s[2..], NumberStyles.HexNumber) : UInt128.Parse(s);
    internal static ulong Address(string s) => (ulong)Number(s);
}

/// <summary>One line being read: the head's modifiers and the operands, consumed from the left.</summary>
sealed class Statement(Op op, Queue<string> head, string rest, Dictionary<string, Value> names, bool inserted)
{
    readonly List<string> parts = op is Op.Insn or Op.Trap ? [rest] : [.. rest.Split(", ", StringSplitOptions.RemoveEmptyEntries)];

    public Inst Read()
    {
        var row = op.Row();
        var detail = FromHead();
        bool guarded = row.IsVariadic && head.TryPeek(out var word) && word == "if" && head.Dequeue() != "";
        var own = row.Args is ["*"] ? Type.Parse(head.Dequeue()) : Type.I64;
        var type = row.IsTyped ? Type.Parse(head.Dequeue()) : row.Result != "" ? Type.Parse(row.Result) : Type.I64;
        if (head.Count > 0) throw new FormatException($"'{head.Peek()}' is not known after {op.Name()}");
        detail = FromOperands(detail, guarded);
        var kinds = row.IsVariadic ? [.. Enumerable.Repeat("...", parts.Count)] : row.Args;
        if (parts.Count != kinds.Length) throw new FormatException($"{kinds.Length} operands expected, {parts.Count} found");
        return new(op, type, [.. kinds.Zip(parts, (k, p) => Operand(p, k == "*" ? own : OpTable.Resolve(k, type)))], detail) { Inserted = inserted };
    }

    Detail? FromHead() => op switch
    {
        Op.Flags => new Detail.FlagWrite(Enum.Parse<FlagRule>(head.Dequeue(), true), Flag.None),
        Op.Cond => new Detail.Condition(Enum.Parse<Cc>(head.Dequeue(), true)),
        Op.Icmp => new Detail.Comparison(Enum.Parse<Predicate>(head.Dequeue(), true)),
        Op.Fcmp when head.Dequeue() is var p => new Detail.Comparison(Enum.Parse<Predicate>(p is "ult" or "ule" or "ugt" or "uge" ? "f" + p : p, true)),
        Op.Rmw => new Detail.Access(null, OpTable.Parse(head.Dequeue())) is var a && Segment() is { } s ? a with { Segment = s } : a,
        Op.Load or Op.Store or Op.CmpXchg when Aligned() is var aligned => Segment() is var s && (aligned || s != null) ? new Detail.Access(s, Aligned: aligned) : null,
        Op.Native => new Detail.Named(head.Dequeue()),
        _ => null,
    };

    bool Aligned() => head.Peek() == "aligned" && head.Dequeue() != "";

    string? Segment() => head.Peek() is "fs" or "gs" ? head.Dequeue() : null;

    Detail? FromOperands(Detail? d, bool guarded) => op switch
    {
        Op.Get or Op.Set => new Detail.Register(Reg.Parse(First())),
        Op.Flags => ((Detail.FlagWrite)d!) with { Live = FlagTable.Parse(First()) },
        Op.SetFlag or Op.GetFlag => new Detail.OneFlag(FlagTable.Parse(First())),
        Op.Insn when First().Split(' ', 3) is var p => new Detail.Guest(Parser.Address(p[0]), int.Parse(p[1]), Unquote(p[2])),
        Op.Trap when First().Split(' ', 2) is var p => new Detail.Reason(int.Parse(p[0]), Unquote(p[1])),
        Op.Helper or Op.Rep => new Detail.Named(First()),
        Op.Host => new Detail.Named(Unquote(First())),
        Op.Native => parts.Count > 0 && parts[^1][0] == '#' ? ((Detail.Named)d!) with { Immediate = int.Parse(Last()[1..]) } : d,
        Op.Count when First().Trim('@', ']').Split('[') is var c => new Detail.Cell(c[0], Parser.Address(c[1]), long.Parse(First()), guarded),
        Op.Append or Op.Call => new Detail.Symbol(First()[1..], guarded),
        Op.Goto or Op.Syscall or Op.Deliver or Op.CallTo => new Detail.Target(Parser.ParseLabel(Last())),
        Op.Branch when Parser.ParseLabel(Last()) is var e => new Detail.Target(Parser.ParseLabel(Last()), e),
        Op.Switch or Op.SwitchOn => new Detail.Table([.. Last().Trim('[', ']').Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parser.ParseLabel)]),
        Op.Extract or Op.Insert => new Detail.Lanes([int.Parse(Last())]),
        Op.Shuffle => new Detail.Lanes([.. Last().Trim('[', ']').Split(' ').Select(int.Parse)]),
        _ => d,
    };

    string First() => Take(0);
    string Last() => Take(parts.Count - 1);

    string Take(int n)
    {
        if (n < 0 || n >= parts.Count) throw new FormatException("an operand is missing");
        var p = parts[n];
        parts.RemoveAt(n);
        return p;
    }

    Value Operand(string s, Type? t)
    {
        if (s[0] == '%') return names.TryGetValue(s, out var v) ? v : throw new FormatException($"{s} is not defined in this block");
        var p = s.Split(':');
        return new Const(t ?? Type.Parse(p[1]), Parser.Number(p[0]));
    }

    static string Unquote(string s) => s.Length >= 2 && s[0] == '"' ? s[1..^1] : s;
}
