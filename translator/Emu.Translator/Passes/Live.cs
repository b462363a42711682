using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>What may be read later.</summary>
/// <param name="Hard">By code that is known: exactly as the machine would find it.</param>
/// <param name="Soft">
/// By code that is held to the psABI (unknown code; the register saves of variadic functions, which store arguments that may not be
/// there): what a call in between may have overwritten is not expected to survive it.
/// </param>
public readonly record struct Live(Transient Hard, Transient Soft)
{
    public Transient All => Hard | Soft;
    public static Live operator |(Live a, Live b) => new(a.Hard | b.Hard, a.Soft | b.Soft);
    public bool Covers(Live other) => (other.Hard & ~Hard | other.Soft & ~Soft) == 0;

    /// <summary>What of it a callee that may overwrite <paramref name="written"/> has to hand over.</summary>
    public Live After(Transient written) => new(Hard, Soft & (~written | Transients.Results));

    /// <summary>
    /// What of it is live before a call, too. A result that the callee may overwrite on some of its ways only is kept for it, but not over one more such
    /// call: it is the callee's, nearly always.
    /// </summary>
    public Live Through(Transient written, Transient overwritten) =>
        new(Hard & ~(written & Transients.Results) & ~overwritten, (Soft & (~written | Transients.Results) | Hard & written & Transients.Results) & ~overwritten);
}
