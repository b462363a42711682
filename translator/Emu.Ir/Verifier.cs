namespace Emu.Ir;

/// <summary>The rules of the IR; run after every stage.</summary>
public static class Verifier
{
    /// <summary>Every rule that an instruction breaks, as "block: op: message". Empty means well-formed.</summary>
    public static IEnumerable<string> Check(Function f)
    {
        if (f.Blocks.Count == 0) yield return $"0x{f.Entry:x}: a function has at least one block";
        var labels = new HashSet<Label>();
        foreach (var b in f.Blocks)
        {
            if (!labels.Add(b.Label)) yield return $"{b.Label}: a label names one block";
            foreach (var error in Check(b)) yield return error;
        }
    }

    static IEnumerable<string> Check(Block b)
    {
        var seen = new HashSet<Value>();
        if (b.Code.Count == 0) yield return $"{b.Label}: a block has a terminator";
        for (int n = 0; n < b.Code.Count; n++)
        {
            var i = b.Code[n];
            foreach (var message in Operands(i, seen).Concat(Details(i))) yield return $"{b.Label}: {i.Op.Name()}: {message}";
            if (i.Op.Has(Effect.Ends) != (n == b.Code.Count - 1)) yield return $"{b.Label}: {i.Op.Name()}: a block has exactly one terminator, at its end";
            seen.Add(i);
        }
        if (b.Label.Part == 0 && b.Code.FirstOrDefault(i => !i.Op.Has(Effect.Plugin) && i.Op is not (Op.Get or Op.Rflags)) is { Op: not Op.Insn and not Op.Goto and not Op.Trap } first)
            yield return $"{b.Label}: {first.Op.Name()}: a block starts with insn";
    }

    static IEnumerable<string> Operands(Inst i, HashSet<Value> seen)
    {
        var row = i.Op.Row();
        if (!row.IsVariadic && i.Args.Length != row.Args.Length) yield return $"{row.Args.Length} operands expected, {i.Args.Length} found";
        for (int n = 0; n < i.Args.Length; n++)
        {
            var a = i.Args[n];
            if (a is Inst && !seen.Contains(a)) yield return "operand is not defined earlier in this block";
            if (row.IsVariadic || n >= row.Args.Length) continue;
            var want = OpTable.Resolve(row.Args[n], i.Printed);
            bool scalarCondition = row.Args[n] == "M" && i.Op == Op.Select && a.Type == Type.I1;
            if (want is { } t && a.Type != t && !scalarCondition) yield return $"operand has type {a.Type}, expected {t}";
        }
    }

    static IEnumerable<string> Details(Inst i)
    {
        if (i.Detail is Detail.Register { Reg: var r })
        {
            if (!GuestState.IsRegister(r.Name)) yield return $"no register '{r.Name}'";
            else if (r.Byte + i.Printed.Bytes > GuestState.SizeOf(r.Name)) yield return $"{i.Printed} does not fit {r}";
        }
        if (i.Op == Op.Bits && i.Args.Length == 1 && i.Args[0].Type.TotalBits != i.Type.TotalBits) yield return $"{i.Args[0].Type} and {i.Type} differ in size";
        if (i.Op == Op.Zext && i.Args.Length == 1 && i.Args[0].Type.TotalBits > i.Type.TotalBits) yield return $"{i.Args[0].Type} is wider than {i.Type}";
        if (i.Op == Op.Trunc && i.Args.Length == 1 && i.Args[0].Type.TotalBits < i.Type.TotalBits) yield return $"{i.Args[0].Type} is narrower than {i.Type}";
        if (i.Op == Op.Shuffle && i.Detail is Detail.Lanes { Numbers: var l } && (l.Count != i.Type.Lanes || l.Any(x => x < -1 || x >= 2 * i.Type.Lanes))) yield return "a shuffle names one lane of either operand for each of its own";
        if (i.Op is Op.Extract or Op.Insert && i.Detail is Detail.Lanes { Numbers: [var lane] } && (lane < 0 || lane >= i.Printed.Lanes)) yield return $"no lane {lane} in {i.Printed}";
    }
}
