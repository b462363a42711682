using Iced.Intel;

namespace Emu.Tests.Oracle;

/// <summary>One executed instruction: registers before it, its memory events, and which of its flag and r11 bits are undefined before it.</summary>
public sealed record Executed(Instruction Instruction, Step Before, IReadOnlyList<MemoryEvent> Events, ulong UndefinedFlags, ulong UndefinedR11)
{
    /// <summary>Registers as a probe must see them: rip, rflags without undefined bits, the sixteen registers (r11 masked likewise).</summary>
    public ulong[] Visible()
    {
        var r11 = Before.Gpr[11] & ~UndefinedR11;
        return [Before.Rip, Before.Rflags & ~UndefinedFlags, .. Before.Gpr[..11], r11, .. Before.Gpr[12..]];
    }
}

/// <summary>What a native run of a program did, instruction by instruction, under the rules of tests/oracle/README.md.</summary>
public sealed record NativeTrace(IReadOnlyList<Executed> Instructions, bool Exited, int Status)
{
    public IEnumerable<MemoryEvent> Events => Instructions.SelectMany(i => i.Events);

    /// <summary>Joins the steps of rep instructions and adds events; a last instruction that faulted is left out.</summary>
    public static NativeTrace From(GuestCode code, StepLog log)
    {
        var executed = new List<Executed>();
        var flags = new FlagKnowledge();
        for (var i = 0; i < log.Steps.Count;)
        {
            var instruction = code.At(log.Steps[i].Rip);
            var end = i + 1;
            while (IsRep(instruction) && end < log.Steps.Count && log.Steps[end].Rip == log.Steps[i].Rip)
                end++;
            if (end == log.Steps.Count && !log.Exited)
                break;
            executed.Add(new(instruction, log.Steps[i], EventsOf(instruction, log.Steps, i, end), flags.Undefined, flags.UndefinedR11));
            flags.After(instruction, log.Steps[i]);
            i = end;
        }
        return new(executed, log.Exited, log.Status);
    }

    static List<MemoryEvent> EventsOf(in Instruction instruction, IReadOnlyList<Step> steps, int from, int end)
    {
        if (!IsRep(instruction))
            return MemoryRules.Of(instruction, steps[from], end < steps.Count ? steps[end] : null);
        var events = new List<MemoryEvent>();
        for (var i = from; i < end; i++)
            if (Count(instruction, steps[i]) != 0)
                events.AddRange(MemoryRules.Of(instruction, steps[i], null));
        return events;
    }

    static bool IsRep(in Instruction i) => i.IsStringInstruction && (i.HasRepPrefix || i.HasRepnePrefix);

    static ulong Count(in Instruction i, Step step)
    {
        for (var n = 0; n < i.OpCount; n++)
            if (i.GetOpKind(n) is OpKind.MemorySegESI or OpKind.MemoryESEDI)
                return (uint)step.Gpr[Step.Rcx];
        return step.Gpr[Step.Rcx];
    }
}
