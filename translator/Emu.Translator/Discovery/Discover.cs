using Emu.Translator.Elf;

namespace Emu.Translator.Discovery;

/// <summary>Finds the code of a program: roots, blocks, regions, jump tables.</summary>
public static class Discover
{
    /// <summary>Instructions a region may hold.</summary>
    public const int DefaultRegionLimit = 1500;

    /// <summary>Explores the image from everything that can be a root; <paramref name="extraRoots"/> are PCs known from elsewhere.</summary>
    public static Program Run(Image image, IEnumerable<ulong> extraRoots, int regionLimit = DefaultRegionLimit)
    {
        var map = new CodeMap(image);
        var roots = new RootSet(image);
        var explorer = new Explorer(image, map, roots);
        var tables = new JumpTables(image, map, roots, explorer);
        var pointers = new PointerScan(image, map, roots, explorer, tables);
        var guess = new TableGuess(image, map, roots, explorer, tables);
        var returns = new SecondReturns(image, map, roots, explorer);
        var starts = new CloneReturns(map, roots, explorer);

        roots.AddNamed(extraRoots);
        do
        {
            explorer.ExploreNewRoots();
            tables.ResolveAll();
            pointers.AddCodePointers();
            if (roots.New.Count == 0) pointers.AddDataPointers();
            returns.Add();
            starts.Add();
            if (roots.New.Count == 0) guess.Add();
        }
        while (roots.New.Count != 0);

        tables.Confirm();
        ColdParts.Remove(image, map, roots);
        var blocks = new BlockMap(image, map, explorer.Leaders, tables.Resolved);
        var regions = new RegionBuilder(blocks, roots.Sorted(), regionLimit).Build();
        return new(image, [.. regions.Select(r => r.Root)], [.. regions.Select(r => r.Region)], tables.Unresolved());
    }
}
