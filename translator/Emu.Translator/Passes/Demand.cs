using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>Whether all registers are in the state struct where guest code faults, and where it enters and leaves a region.</summary>
public enum ExactFaults
{
    /// <summary>Where LLVM puts them.</summary>
    No,
    /// <summary>Where it faults; what travels may be in registers alone when it comes from another region.</summary>
    Inside,
    /// <summary>Always: in all regions of the program.</summary>
    Everywhere,
}

/// <summary>Which transient state may still be read, in a region and by code outside it: what must be handed over when control leaves.</summary>
/// <param name="IsRoot">Whether a PC has a region of its own.</param>
/// <param name="Before">What is live at the start of a block of the region.</param>
/// <param name="Behind">What is live where a block's terminator leaves the region.</param>
/// <param name="AtEdge">What is live where the region jumps directly to a label outside.</param>
public sealed record Demand(Func<ulong, bool> IsRoot, Func<Label, Transient> Before, Func<Block, Transient> Behind, Func<Label, Transient> AtEdge)
{
    /// <summary>What a callee hands over behind a block; of the rest nobody expects what it was.</summary>
    public Func<Block, Transient> Back { get; init; } = _ => Transient.All;

    /// <summary>Whether signals are taken at the entry of a root's region.</summary>
    public Func<ulong, bool> IsChecked { get; init; } = _ => false;

    /// <summary>Whether all registers are in the state struct where guest code faults.</summary>
    public ExactFaults ExactFaults { get; init; }

    /// <summary>Everything is wanted everywhere: where the rest of the program is not known, and for tests.</summary>
    public static Demand Everything(Func<ulong, bool> isRoot) => new(isRoot, _ => Transient.All, _ => Transient.All, _ => Transient.All);

    /// <summary>What the region checks.</summary>
    public Guard Guard { get; init; } = Guard.None;

    /// <summary>What the analysis of the whole program found for one region.</summary>
    public static Demand Of(Liveness liveness, ulong root, Func<ulong, bool> isRoot) => new(isRoot, b => liveness.Before(root, b), b => liveness.Behind(root, b), to => liveness.AtEdge(root, to)) { Back = b => liveness.Back(root, b) };

    /// <summary>What is live where a block's terminator goes on: in the region or outside.</summary>
    public Transient AtStart(Label to, Func<Label, bool> isInside) => isInside(to) ? Before(to) : AtEdge(to);

    /// <summary>
    /// The demand of one function with the roots of this moment: another thread may add regions between two questions. What is lowered by it refers to
    /// these regions and to no others, so that <see cref="Describe"/> names all of them.
    /// </summary>
    public Demand Fixed(Function f)
    {
        var roots = Targets(f).Where(IsRoot).ToHashSet();
        return this with { IsRoot = roots.Contains };
    }

    static IEnumerable<ulong> Targets(Function f) => f.Blocks.SelectMany(b =>
        b.Terminator.Successors().Select(to => to.Address).Concat(b.Terminator.Args.OfType<Const>().Select(c => (ulong)c.Bits))).Distinct();

    /// <summary>Everything above that lowering the function depends on, as text for a cache key.</summary>
    public string Describe(Function f)
    {
        var inside = f.Blocks.Select(b => b.Label).ToHashSet();
        // One that finds its code changed leaves for a block of its own as for one outside.
        var edges = f.Blocks.SelectMany(b => b.Terminator.Successors()).Where(to => Guard.Kind != GuardKind.None || !inside.Contains(to)).Distinct();
        return string.Join(' ', [Guard.Describe(), $"{IsChecked(f.Entry)} {ExactFaults}", .. f.Blocks.Select(b => $"{(ulong)Before(b.Label):x}:{(ulong)Behind(b):x}{(b.Terminator.Op == Op.CallTo ? $":{(ulong)Back(b):x}" : "")}"), .. edges.Select(to => $"{to}:{(ulong)AtEdge(to):x}"), .. Targets(f).Where(IsRoot).Select(r => $"{r:x}")]);
    }

    /// <summary>The flags in transient state.</summary>
    public static Flag Flags(Transient t) => (Flag)(t & Transient.Flags);
}
