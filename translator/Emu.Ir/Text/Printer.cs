using System.Text;

namespace Emu.Ir.Text;

/// <summary>The textual IR, outwards. <c>Printer.Print(Parser.Parse(text))</c> prints the same text: every golden test checks it.</summary>
public static class Printer
{
    public static string Print(Function f)
    {
        var s = new StringBuilder($"function 0x{f.Entry:x}\n");
        foreach (var b in f.Blocks) Print(b, s.Append($"\n{b.Label}:\n"));
        return s.ToString();
    }

    static void Print(Block b, StringBuilder s)
    {
        var names = new Dictionary<Value, int>();
        foreach (var i in b.Code)
        {
            var parts = Operands(i, names);
            string left = i.HasResult ? $"%{names[i] = names.Count} = " : "";
            s.Append(i.Inserted ? "  + " : i.Op == Op.Insn ? "  " : "    ").Append(left).Append(Head(i));
            s.Append(parts.Count > 0 ? " " : "").AppendJoin(", ", parts).Append('\n');
        }
    }

    /// <summary>The operation with its modifiers and types: <c>rmw.add.i64</c>, <c>zext.i8.i32</c>.</summary>
    static string Head(Inst i)
    {
        var head = new List<string> { i.Op.Name() };
        switch (i.Detail)
        {
            case Detail.FlagWrite w: head.Add(Lower(w.Rule)); break;
            case Detail.Condition c: head.Add(Lower(c.Cc)); break;
            case Detail.Comparison c: head.Add(Name(c.Predicate)); break;
            case Detail.Access a:
                if (a.Operation is { } what) head.Add(what.Name());
                if (a.Aligned) head.Add("aligned");
                if (a.Segment is { } segment) head.Add(segment);
                break;
            case Detail.Named n when i.Op is Op.Native: head.Add(n.Name); break;
            case Detail.Cell { Guarded: true } or Detail.Symbol { Guarded: true }: head.Add("if"); break;
        }
        if (i.Op.Row().Args is ["*"]) head.Add(i.Args[0].Type.ToString());
        if (i.Op.Row().IsTyped) head.Add(i.Printed.ToString());
        return string.Join('.', head);
    }

    static List<string> Operands(Inst i, Dictionary<Value, int> names)
    {
        bool variadic = i.Op.Row().IsVariadic;
        string Use(Value v) => v is Const c ? Number(c.Bits) + (variadic ? $":{c.Type}" : "") : names.TryGetValue(v, out int n) ? $"%{n}" : "%undefined";
        var parts = i.Args.Select(Use).ToList();
        switch (i.Detail)
        {
            case Detail.Register r: parts.Insert(0, r.Reg.ToString()); break;
            case Detail.FlagWrite w: parts.Insert(0, FlagTable.Letters(w.Live)); break;
            case Detail.OneFlag f: parts.Insert(0, FlagTable.Letters(f.Flag)); break;
            case Detail.Guest g: parts.Add($"0x{g.Address:x} {g.Length} \"{g.Text}\""); break;
            case Detail.Target t: parts.Add($"{t.Then}"); if (t.Else is { } e) parts.Add($"{e}"); break;
            case Detail.Table t: parts.Add($"[{string.Join(' ', t.Targets)}]"); break;
            case Detail.Lanes l: parts.Add(i.Op == Op.Shuffle ? $"[{string.Join(' ', l.Numbers)}]" : $"{l.Numbers[0]}"); break;
            case Detail.Named n when i.Op is Op.Native: if (n.Immediate is { } imm) parts.Add($"#{imm}"); break;
            case Detail.Named n when i.Op is Op.Host: parts.Insert(0, $"\"{n.Name}\""); break;
            case Detail.Named n: parts.Add(n.Name); break;
            case Detail.Cell c: parts.InsertRange(0, [$"@{c.Array}[0x{c.Key:x}]", $"{c.Amount}"]); break;
            case Detail.Symbol y: parts.Insert(0, $"@{y.Name}"); break;
            case Detail.Reason r: parts.Add($"{r.Signal} \"{r.Text}\""); break;
        }
        return parts;
    }

    static string Number(UInt128 v) => v > 9 ? $"0x{v:x}" : $"{v}";
    static string Lower<T>(T value) where T : Enum => value.ToString().ToLowerInvariant();

    internal static string Name(Predicate p) => Lower(p) is ['f', .. var rest] ? rest : Lower(p);
}
