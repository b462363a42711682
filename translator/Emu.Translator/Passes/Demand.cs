using Emu.Ir;
using Emu.Translator.Discovery;

namespace Emu.Translator.Passes;

/// <summary>Which transient state code outside a region may still read: what must be handed over when control leaves.</summary>
/// <param name="IsRoot">Whether a PC has a region of its own.</param>
/// <param name="In">What the region of a root may read before it writes it.</param>
/// <param name="Out">What return sites of this region's callers may read.</param>
/// <param name="IndirectCall">What a target called through a register or memory may read.</param>
/// <param name="IndirectJump">What a target jumped to through a register or memory may read.</param>
public sealed record Demand(Func<ulong, bool> IsRoot, Func<ulong, Transient> In, Transient Out, Transient IndirectCall, Transient IndirectJump)
{
    /// <summary>Whether signals are taken at the entry of a root's region.</summary>
    public Func<ulong, bool> IsChecked { get; init; } = _ => false;

    /// <summary>Everything is wanted everywhere: for passes that look at flags or registers, and for tests.</summary>
    public static Demand Everything(Func<ulong, bool> isRoot) => new(isRoot, _ => Transient.All, Transient.All, Transient.All, Transient.All);

    /// <summary>What the region checks.</summary>
    public Guard Guard { get; init; } = Guard.None;

    /// <summary>What the analysis of the whole program found for one region.</summary>
    public static Demand Of(Liveness liveness, ulong root, Func<ulong, bool> isRoot) =>
        new(isRoot, liveness.In, liveness.After(root), liveness.IndirectCallIn, liveness.IndirectJumpIn);

    /// <summary>What is live when <paramref name="end"/> leaves the region.</summary>
    public Transient AtExit(Inst end) => end.Op switch
    {
        Op.Ret => Out,
        Op.CallTo when end.Args[0] is Const c => AtEdge((ulong)c.Bits),
        Op.CallTo => IndirectCall,
        Op.Jump or Op.Switch or Op.SwitchOn => IndirectJump,
        Op.Syscall => Transient.All,
        _ => Transient.None,
    };

    /// <summary>What is live on a direct edge out of the region.</summary>
    public Transient AtEdge(Label to) => to.Part == 0 && IsRoot(to.Address) ? In(to.Address) : Transient.All;

    /// <summary>Everything above that lowering the function depends on, as text for a cache key.</summary>
    public string Describe(Function f)
    {
        var targets = f.Blocks.SelectMany(b => b.Terminator.Args.OfType<Const>().Select(c => (ulong)c.Bits).Concat(b.Terminator.Successors().Select(l => l.Address))).Distinct();
        return $"{Guard.Describe()} {IsChecked(f.Entry)} {(int)Out} {(int)IndirectCall} {(int)IndirectJump} {string.Join(' ', targets.Where(IsRoot).Select(t => $"{t:x}:{(int)In(t)}"))}";
    }

    /// <summary>The flags in transient state.</summary>
    public static Flag Flags(Transient t) => (Flag)(t & Transient.Flags);

    /// <summary>Whether a register's value is wanted: those that are not transient always are.</summary>
    public static bool Wants(Transient t, string register) => register switch
    {
        "r8" => (t & Transient.R8) != 0,
        "r9" => (t & Transient.R9) != 0,
        "r10" => (t & Transient.R10) != 0,
        "r11" => (t & Transient.R11) != 0,
        _ => true,
    };
}
