using Emu.Ir;
using Emu.Translator.Discovery;
using Iced.Intel;
using static Emu.Ir.Type;
using Block = Emu.Translator.Discovery.GuestBlock;
using Label = Emu.Ir.Label;

namespace Emu.Translator.X86;

/// <summary>What the lifter is told besides the code.</summary>
/// <param name="WatchesMemory">Whether some pass watches this instruction's accesses.</param>
/// <param name="WithText">Whether <c>insn</c> carries the disassembly.</param>
/// <param name="IsPatched">Whether an instruction's immediate is rewritten again and again.</param>
public sealed record LiftOptions(Func<ulong, bool> WatchesMemory, bool WithText, Func<ulong, bool>? IsPatched = null)
{
    /// <summary>Whether some pass watches this system call.</summary>
    public Func<ulong, bool> WatchesSystemCall { get; init; } = _ => false;
}

/// <summary>Guest region to IR function, instruction by instruction.</summary>
public static class Lifter
{
    public static Function Lift(GuestRegion region, LiftOptions options)
    {
        var f = new Function(region.Root);
        var e = new Emitter(f);
        var tables = region.Blocks.Where(b => b.Table is { Index: not Register.None }).Select(b => b.Table!).ToLookup(t => t.LoadAddress);
        foreach (var b in region.Blocks) Lift(e, b, tables, region.IsStep ? options with { WatchesMemory = _ => true } : options);
        if (region.IsStep) Steps.LeaveAlways(e, region.Blocks[0].Instructions.FirstOrDefault());
        return f;
    }

    static void Lift(Emitter e, Block b, ILookup<ulong, JumpTable> tables, LiftOptions options)
    {
        e.Begin(b.Address);
        foreach (var i in b.Instructions)
        {
            bool explode = i.IsStringInstruction && options.WatchesMemory(i.IP);
            string? text = options.WithText ? i.ToString() : null;
            // The index must be read before the load overwrites it.
            string? index = tables[i.IP].FirstOrDefault() is { } table ? X86.Lift.Full(table.Index) : null;
            Rules.LiftInto(e, i, explode, text, index, options.IsPatched?.Invoke(i.IP) ?? false);
            if (e.IsEnded) break;
        }
        if (!e.IsEnded && b.End == BlockEnd.InvalidCode) e.Trap(Signal.Ill, "invalid instruction");
        else if (!e.IsEnded) e.Goto(b.EndAddress);
        else if (b.Instructions[^1] is { Mnemonic: Mnemonic.Syscall } call && options.WatchesSystemCall(call.IP)) Watch(e, call);
        else if (b.Table is { } t && TakeJump(e) is { } target) Resolve(e, target, t);
    }

    /// <summary>The place after a system call is inside of it: before the signals that came meanwhile, and reached only from the call.</summary>
    static void Watch(Emitter e, in Instruction call)
    {
        var code = e.Function.Blocks[^1].Code;
        code.RemoveAt(code.Count - 1);
        e.Syscall(new(call.IP, 1));
        e.Begin(new(call.IP, 1));
        e.Deliver(call.NextIP);
    }

    /// <summary>Takes away the terminator when it is a jump, and gives where it goes.</summary>
    static V? TakeJump(Emitter e)
    {
        var code = e.Function.Blocks[^1].Code;
        if (code[^1].Op != Op.Jump) return null;
        V target = new(e, code[^1].Args[0]);
        code.RemoveAt(code.Count - 1);
        return target;
    }

    /// <summary>A switch over the table of the jump that ended the block.</summary>
    static void Resolve(Emitter e, V target, JumpTable table)
    {
        IReadOnlyList<Label> labels = [.. table.Targets.Select(a => (Label)a)];
        if (table.Index != Register.None) e.Switch(e.Get(I64, "index"), target, labels);
        else e.Emit(Op.SwitchOn, I64, new Detail.Table([.. labels.Distinct()]), [target]);
    }
}
