using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>Which flags code outside a region may still read: what must be in the state when control leaves.</summary>
/// <param name="IsRoot">Whether a PC has a region of its own.</param>
/// <param name="In">Flags that the region of a root may read before it writes them.</param>
/// <param name="Out">Flags that return sites of this region's callers may read.</param>
/// <param name="Indirect">Flags that a target reached through a register or memory may read.</param>
public sealed record FlagDemand(Func<ulong, bool> IsRoot, Func<ulong, Flag> In, Flag Out, Flag Indirect)
{
    /// <summary>Every flag is wanted everywhere: for passes that look at rflags, and for tests.</summary>
    public static FlagDemand Everything(Func<ulong, bool> isRoot) => new(isRoot, _ => Flag.All, Flag.All, Flag.All);

    /// <summary>The flags that are live when <paramref name="end"/> leaves the region, for edges to <paramref name="outside"/> (if it is such an edge).</summary>
    public Flag AtExit(Inst end) => end.Op switch
    {
        Op.Ret => Out,
        Op.CallTo when end.Args[0] is Const c => IsRoot((ulong)c.Bits) ? In((ulong)c.Bits) : Flag.All,
        Op.CallTo => Indirect,
        Op.Jump or Op.Switch or Op.SwitchOn => Indirect,
        Op.Syscall => Flag.All,
        _ => Flag.None,
    };

    /// <summary>The flags live on a direct edge out of the region.</summary>
    public Flag AtEdge(Label to) => to.Part == 0 && IsRoot(to.Address) ? In(to.Address) : Flag.All;
}
