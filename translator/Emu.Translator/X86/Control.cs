using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>Branches, calls, returns, loops (Intel SDM vol. 1, 5.1.7).</summary>
static class Control
{
    public static void Define(Rules r)
    {
        r.Each("j", x => x.E.Branch(x.E.Cond(x.Cc), x.Target, x.Next));
        r[Jmp] = JumpRow;
        r[Call] = CallRow;
        r[Ret] = ReturnRow;
        r[Loop] = x => x.LoopWhile(null);
        r[Loope] = x => x.LoopWhile(Cc.E);
        r[Loopne] = x => x.LoopWhile(Cc.Ne);
        r[Jrcxz] = x => x.E.Branch(x.E.Get(I64, "rcx").Icmp(Predicate.Eq, 0), x.Target, x.Next);
        r[Jecxz] = x => x.E.Branch(x.E.Get(I32, "rcx").Icmp(Predicate.Eq, 0), x.Target, x.Next);
    }

    static void JumpRow(Lift x)
    {
        if (x.Instruction.IsJmpFarIndirect) Segments.Transfer(x);
        else if (x.Instruction.IsJmpShortOrNear) x.E.Goto(x.Target);
        else x.E.Jump(x.Read(0, I64));
    }

    static void CallRow(Lift x)
    {
        if (x.Instruction.IsCallFarIndirect) { Segments.Transfer(x); return; }
        V target = x.Instruction.IsCallNear ? x.E.ConstBits(I64, x.Target) : x.Read(0, I64);
        x.PushValue(x.E.ConstBits(I64, x.Next));
        x.E.CallTo(target, x.Next);
    }

    static void ReturnRow(Lift x)
    {
        V sp = x.E.Get(I64, "rsp"), to = x.E.Load(I64, sp);
        x.E.Set("rsp", sp + 8 + (x.Instruction.OpCount == 1 ? x.Instruction.Immediate16 : 0));
        x.E.Ret(to);
    }

    static void LoopWhile(this Lift x, Cc? cc)
    {
        bool narrow = x.Instruction.Code.ToString().Contains("ECX", StringComparison.Ordinal);
        V count = x.E.Get(narrow ? I32 : I64, "rcx") - 1;
        V again = count.Icmp(Predicate.Ne, 0);
        if (cc is { } c) again &= x.E.Cond(c);
        x.E.Set("rcx", count.Zext(I64));
        x.E.Branch(again, x.Target, x.Next);
    }
}
