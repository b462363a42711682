using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using Label = Emu.Ir.Label;

namespace Emu.Translator.X86;

/// <summary>One instruction of a guest that has set RFLAGS.TF (Intel SDM vol. 3, 17.3.1.4): wherever it goes, the core is next.</summary>
static class Steps
{
    const int Again = 9;

    /// <summary>What would go on in another region, or back in this one, returns with its PC.</summary>
    public static void LeaveAlways(Emitter e, in Instruction i)
    {
        var order = e.Function.Blocks.Index().ToDictionary(b => b.Item.Label, b => b.Index);
        Label again = new(e.Function.Entry, Again);
        bool repeats = false;
        foreach (var (n, b) in e.Function.Blocks.Index())
        {
            var end = b.Terminator;
            if (end.Op is Op.Jump or Op.CallTo) b.Code[^1] = new(Op.Ret, end.Printed, [end.Args[0]]);
            else if (end.Detail is Detail.Target t && (IsBack(t.Then) || t.Else is { } otherwise && IsBack(otherwise)))
            {
                repeats = true;
                end.Detail = new Detail.Target(IsBack(t.Then) ? again : t.Then, t.Else is { } to && IsBack(to) ? again : t.Else);
            }
            bool IsBack(Label to) => order.TryGetValue(to, out int at) && at <= n;
        }
        if (repeats) BeginAgain(e, again, i);
    }

    /// <summary>The instruction is the next one, too, but for a string instruction that has come to its end.</summary>
    static void BeginAgain(Emitter e, Label label, in Instruction i)
    {
        e.Begin(label);
        V again = e.ConstBits(I64, i.IP);
        e.Ret(i.IsStringInstruction ? e.Select(e.Get(I64, "rcx").Icmp(Predicate.Ne, 0), again, e.ConstBits(I64, i.NextIP)) : again);
    }
}
