namespace Emu.Translator.Discovery;

/// <summary>Which of the regions that discovery found are translated ahead of time.</summary>
internal static class Chosen
{
    /// <summary>Not code that the program may write over, and of the rest so many percent: the same ones for the same program.</summary>
    public static Program From(Program all, int percent)
    {
        var kept = all.Roots.Zip(all.Regions).Where(r => Mixed(r.First.Address) % 100 < (uint)percent && r.Second.Blocks.All(b => !all.Image.IsWritable(b.Address))).ToList();
        return kept.Count == all.Regions.Count ? all : new(all.Image, [.. kept.Select(r => r.First)], [.. kept.Select(r => r.Second)], all.Unresolved);
    }

    static uint Mixed(ulong pc) => (uint)((pc * 0x9e3779b97f4a7c15) >> 33);
}
