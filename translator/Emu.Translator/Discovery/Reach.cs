using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Which regions of a library can be reached from what others use of it. What is left out is translated when it is met.</summary>
internal static class Reach
{
    /// <param name="all">What discovery found.</param>
    /// <param name="imports">Names that other modules refer to.</param>
    /// <param name="extra">Roots that are wanted in any case.</param>
    public static HashSet<ulong> From(Program all, IReadOnlySet<string> imports, IEnumerable<ulong> extra)
    {
        var image = all.Image;
        var inside = all.Roots.Where(r => (r.Reason & (RootReason.Inside | RootReason.LandingPad | RootReason.SecondReturn | RootReason.TableGuess | RootReason.Split)) != 0)
            .ToLookup(r => image.FrameAt(r.Address)?.Start ?? 0, r => r.Address);
        var reached = new HashSet<ulong>();
        var open = new Stack<ulong>();
        void Add(ulong pc)
        {
            if (all.RegionAt(pc) != null && reached.Add(pc)) open.Push(pc);
        }
        foreach (ulong pc in Starts(all, imports).Concat(extra)) Add(pc);
        while (open.TryPop(out ulong root))
        {
            foreach (ulong to in Targets(all.RegionAt(root)!)) Add(to);
            if (image.FrameAt(root) is { } frame) foreach (ulong part in inside[frame.Start].Concat(Lsda.LandingPads(image, frame))) Add(part);
        }
        return reached;
    }

    /// <summary>Exported functions that somebody imports, what the dynamic linker calls, and what initial data points to.</summary>
    static IEnumerable<ulong> Starts(Program all, IReadOnlySet<string> imports)
    {
        const RootReason start = RootReason.Entry | RootReason.Initializer | RootReason.Resolver | RootReason.DataPointer | RootReason.Extra;
        return all.Roots.Where(r => (r.Reason & start) != 0).Select(r => r.Address)
            .Concat(all.Image.Symbols.All.Where(s => s.IsFunction && !s.IsLocal && imports.Contains(s.Name)).Select(s => s.Address));
    }

    /// <summary>Where a region jumps, what it calls, and of which code it takes the address.</summary>
    static IEnumerable<ulong> Targets(GuestRegion region) =>
        region.Leaves().Concat(region.Blocks.SelectMany(b => b.Instructions).Where(i => i.Mnemonic == Mnemonic.Lea && i.IsIPRelativeMemoryOperand).Select(i => i.IPRelativeMemoryAddress));
}
