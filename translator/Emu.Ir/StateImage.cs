namespace Emu.Ir;

/// <summary>Helpers that store or load an image of x87 and vector state at the address in <c>operand</c>, in one access.</summary>
/// <param name="Number">How the core knows it (enum form of runtime/core/images.c).</param>
/// <param name="Size">Bytes; for the xsave family those of all components.</param>
public readonly record struct StateImage(int Number, int Size, bool IsStore)
{
    static readonly Dictionary<string, StateImage> all = Table();

    static Dictionary<string, StateImage> Table()
    {
        var table = new Dictionary<string, StateImage>();
        foreach (var (name, size) in new[] { ("fnstenv", 28), ("fnstenv16", 14), ("fldenv", 28), ("fldenv16", 14), ("fnsave", 108), ("fnsave16", 94), ("frstor", 108), ("frstor16", 94),
            ("fxsave", 512), ("fxsave64", 512), ("fxrstor", 512), ("fxrstor64", 512), ("xsave", 832), ("xsave64", 832), ("xsavec", 832), ("xsavec64", 832), ("xsaveopt", 832), ("xsaveopt64", 832),
            ("xrstor", 832), ("xrstor64", 832) })
            table[name] = new(table.Count, size, !name.Contains("ldenv", StringComparison.Ordinal) && !name.Contains("rstor", StringComparison.Ordinal));
        return table;
    }

    /// <summary>The image of a helper; null for other helpers.</summary>
    public static StateImage? Of(string helper) => all.TryGetValue(helper, out var image) ? image : null;
}
