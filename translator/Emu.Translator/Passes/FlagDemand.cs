using Emu.Ir;
using Emu.Translator.Discovery;
using Iced.Intel;
using Label = Emu.Ir.Label;

namespace Emu.Translator.Passes;

/// <summary>Which flags code outside a region may still read: what must be in the state when control leaves.</summary>
/// <param name="IsRoot">Whether a PC has a region of its own.</param>
/// <param name="In">Flags that the region of a root may read before it writes them.</param>
/// <param name="Out">Flags that return sites of this region's callers may read.</param>
/// <param name="IndirectCall">Flags that a target called through a register or memory may read.</param>
/// <param name="IndirectJump">Flags that a target jumped to through a register or memory may read.</param>
public sealed record FlagDemand(Func<ulong, bool> IsRoot, Func<ulong, Flag> In, Flag Out, Flag IndirectCall, Flag IndirectJump)
{
    /// <summary>Every flag is wanted everywhere: for passes that look at rflags, and for tests.</summary>
    public static FlagDemand Everything(Func<ulong, bool> isRoot) => new(isRoot, _ => Flag.All, Flag.All, Flag.All, Flag.All);

    /// <summary>What the analysis of the whole program found for one region.</summary>
    public static FlagDemand Of(FlagLiveness liveness, ulong root, Func<ulong, bool> isRoot) => new(isRoot,
        pc => Flags(liveness.In(pc)), Flags(liveness.After(root)), Flags(liveness.IndirectCallIn), Flags(liveness.IndirectJumpIn));

    static Flag Flags(RflagsBits bits) =>
        (bits.HasFlag(RflagsBits.OF) ? Flag.O : 0) | (bits.HasFlag(RflagsBits.SF) ? Flag.S : 0) | (bits.HasFlag(RflagsBits.ZF) ? Flag.Z : 0) |
        (bits.HasFlag(RflagsBits.AF) ? Flag.A : 0) | (bits.HasFlag(RflagsBits.PF) ? Flag.P : 0) | (bits.HasFlag(RflagsBits.CF) ? Flag.C : 0);

    /// <summary>The flags that are live when <paramref name="end"/> leaves the region.</summary>
    public Flag AtExit(Inst end) => end.Op switch
    {
        Op.Ret => Out,
        Op.CallTo when end.Args[0] is Const c => IsRoot((ulong)c.Bits) ? In((ulong)c.Bits) : Flag.All,
        Op.CallTo => IndirectCall,
        Op.Jump or Op.Switch or Op.SwitchOn => IndirectJump,
        Op.Syscall => Flag.All,
        _ => Flag.None,
    };

    /// <summary>The flags live on a direct edge out of the region.</summary>
    public Flag AtEdge(Label to) => to.Part == 0 && IsRoot(to.Address) ? In(to.Address) : Flag.All;

    /// <summary>Everything above that lowering the function depends on, as text for a cache key.</summary>
    public string Describe(Function f)
    {
        var targets = f.Blocks.SelectMany(b => b.Terminator.Args.OfType<Const>().Select(c => (ulong)c.Bits).Concat(b.Terminator.Successors().Select(l => l.Address))).Distinct();
        return $"{Out} {IndirectCall} {IndirectJump} {string.Join(' ', targets.Where(IsRoot).Select(t => $"{t:x}:{(int)In(t)}"))}";
    }
}
