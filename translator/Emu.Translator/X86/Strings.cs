using Emu.Ir;
using Iced.Intel;
using Label = Emu.Ir.Label;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>String instructions with every prefix (Intel SDM vol. 1, 7.3.9). One element is one iteration; rep is a loop of them.</summary>
static class Strings
{
    public static void Define(Rules r)
    {
        r.Elements(MoveElement, native: "movs", Movsb, Movsw, Movsq);
        r.Elements(StoreElement, native: "stos", Stosb, Stosw, Stosd, Stosq);
        r.Elements(LoadElement, native: null, Lodsb, Lodsw, Lodsd, Lodsq);
        r.Elements(ScanElement, native: null, Scasb, Scasw, Scasd, Scasq);
        r.Elements(CompareElement, native: null, Cmpsb, Cmpsw, Cmpsq);
        // movsd and cmpsd name SSE instructions too: the vector families' rows hand these over.
        r[Cld] = x => x.E.Set("df", x.E.Const(I8, 0L));
        r[Std] = x => x.E.Set("df", x.E.Const(I8, 1L));
    }

    public static void MovsdString(Lift x) => x.Repeat(MoveElement, "movs");
    public static void CmpsdString(Lift x) => x.Repeat(CompareElement, null);

    static void Elements(this Rules r, Action<Lift> element, string? native, params Mnemonic[] mnemonics)
    {
        foreach (var m in mnemonics) r[m] = x => x.Repeat(element, native);
    }

    /// <summary>Without a prefix one element; with one a loop, or the host's own instruction when nobody watches the accesses.</summary>
    static void Repeat(this Lift x, Action<Lift> element, string? native)
    {
        ref readonly var i = ref x.Instruction;
        bool equal = i.HasRepePrefix, notEqual = i.HasRepnePrefix, narrow = IsNarrow(x);
        if (!equal && !notEqual) { element(x); return; }
        if (native != null && !x.ExplodeRep && !narrow && x.Segment is null) { x.E.Rep(native + "bwdq"[System.Numerics.BitOperations.Log2((uint)x.Width())]); return; }

        Label test = new(i.IP, 1), body = new(i.IP, 2), done = new(i.IP, 3);
        x.E.Goto(test);
        x.E.Begin(test);
        var counter = narrow ? I32 : I64;
        x.E.Branch(x.E.Get(counter, "rcx").Icmp(Predicate.Ne, 0), body, done);
        x.E.Begin(body);
        element(x);
        x.E.Set("rcx", (x.E.Get(counter, "rcx") - 1).Zext(I64));
        if (native is null && i.Mnemonic is not (Lodsb or Lodsw or Lodsd or Lodsq)) x.E.Branch(x.E.Cond(equal ? Cc.E : Cc.Ne), test, done);
        else x.E.Goto(test);
        x.E.Begin(done);
    }

    static void MoveElement(Lift x)
    {
        x.E.Store(x.Pointer("rdi"), x.E.Load(x.Element(), x.Pointer("rsi"), x.Segment));
        x.Advance("rsi");
        x.Advance("rdi");
    }

    static void StoreElement(Lift x)
    {
        x.E.Store(x.Pointer("rdi"), x.E.Get(x.Element(), "rax"));
        x.Advance("rdi");
    }

    static void LoadElement(Lift x)
    {
        V v = x.E.Load(x.Element(), x.Pointer("rsi"), x.Segment);
        x.E.Set("rax", v.Type == I32 ? v.Zext(I64) : v);
        x.Advance("rsi");
    }

    static void ScanElement(Lift x)
    {
        V a = x.E.Get(x.Element(), "rax"), b = x.E.Load(x.Element(), x.Pointer("rdi"));
        x.Advance("rdi");
        x.E.Flags(FlagRule.Sub, a, b, a - b);
    }

    static void CompareElement(Lift x)
    {
        V a = x.E.Load(x.Element(), x.Pointer("rsi"), x.Segment), b = x.E.Load(x.Element(), x.Pointer("rdi"));
        x.Advance("rsi");
        x.Advance("rdi");
        x.E.Flags(FlagRule.Sub, a, b, a - b);
    }

    /// <summary>An element's size in bytes.</summary>
    static int Width(this Lift x) => x.Instruction.MemorySize.GetSize();
    static Emu.Ir.Type Element(this Lift x) => Int(8 * x.Width());
    static V Pointer(this Lift x, string register) => x.E.Get(IsNarrow(x) ? I32 : I64, register).Zext(I64);

    static void Advance(this Lift x, string register)
    {
        var t = IsNarrow(x) ? I32 : I64;
        V step = x.E.Select(x.E.Get(I8, "df").Icmp(Predicate.Ne, 0), x.E.Const(t, -x.Width()), x.E.Const(t, x.Width()));
        x.E.Set(register, (x.E.Get(t, register) + step).Zext(I64));
    }

    /// <summary>With an address-size prefix the string registers are esi, edi and ecx.</summary>
    static bool IsNarrow(Lift x) => Kinds(x).Any(k => k is OpKind.MemorySegESI or OpKind.MemoryESEDI or OpKind.MemorySegEDI);
    static IEnumerable<OpKind> Kinds(Lift x) => Enumerable.Range(0, x.Instruction.OpCount).Select(n => x.Instruction.GetOpKind(n));
}
