using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.Linking;
using Emu.Translator.Passes;
using Iced.Intel;

namespace Emu.Translator.Closure;

/// <summary>
/// What is known of a library's code whoever uses it: how it is cut into objects, and what leads to what. So a program that shares a
/// library needs no look at its code: it chooses, and the objects are there.
/// </summary>
/// <param name="Chunks">The roots of each object.</param>
/// <param name="Starts">Roots that are wanted in any case: what the dynamic linker calls and what initial data points to.</param>
/// <param name="Leaves">Where each root's region jumps and calls directly.</param>
/// <param name="Reaches">More roots that running it may lead to: code whose address it takes, parts of its function.</param>
/// <param name="Written">What each exported function may change: callers may rely on the rest.</param>
public sealed record LibraryPlan(
    IReadOnlyList<ulong[]> Chunks, IReadOnlyList<ulong> Starts, IReadOnlyDictionary<ulong, ulong[]> Leaves, IReadOnlyDictionary<ulong, ulong[]> Reaches,
    IReadOnlyDictionary<ulong, Transient> Written)
{
    const RootReason Wanted = RootReason.Entry | RootReason.Initializer | RootReason.Resolver | RootReason.DataPointer | RootReason.Extra;
    const RootReason Part = RootReason.Inside | RootReason.LandingPad | RootReason.SecondReturn | RootReason.TableGuess | RootReason.Split;

    internal static LibraryPlan Of(Discovery.Program program, IReadOnlyList<ulong[]> chunks, IReadOnlyDictionary<ulong, Transient> written)
    {
        var image = program.Image;
        var parts = program.Roots.Where(r => (r.Reason & Part) != 0).ToLookup(r => image.FrameAt(r.Address)?.Start ?? 0, r => r.Address);
        ulong[] Known(IEnumerable<ulong> all) => [.. all.Where(pc => program.RegionAt(pc) != null).Distinct().Order()];
        return new(chunks, [.. program.Roots.Where(r => (r.Reason & Wanted) != 0).Select(r => r.Address)],
            // A call that is thought not to come back goes on, if it does, at a root behind it.
            program.Regions.ToDictionary(r => r.Root, r => Known(r.Leaves().Concat(r.Blocks.Where(b => b.End == BlockEnd.Call).Select(b => b.EndAddress)))),
            program.Regions.ToDictionary(r => r.Root, r => Known(AddressesIn(r).Concat(image.FrameAt(r.Root) is { } frame ? parts[frame.Start].Concat(Lsda.LandingPads(image, frame)) : []))), written);
    }

    static IEnumerable<ulong> AddressesIn(GuestRegion region) =>
        region.Blocks.SelectMany(b => b.Instructions).Where(i => i.Mnemonic == Mnemonic.Lea && i.IsIPRelativeMemoryOperand).Select(i => i.IPRelativeMemoryAddress);

    /// <summary>The numbers of the chunks in which something can be reached when others use these names.</summary>
    public IReadOnlyList<int> Needed(Image image, IReadOnlySet<string> imports)
    {
        var reached = new HashSet<ulong>();
        var open = new Stack<ulong>(Starts.Concat(Named(image, imports)));
        while (open.TryPop(out ulong root))
            if (Leaves.TryGetValue(root, out var leaves) && reached.Add(root))
                foreach (ulong to in leaves.Concat(Reaches[root])) open.Push(to);
        return [.. Enumerable.Range(0, Chunks.Count).Where(n => Chunks[n].Any(reached.Contains))];
    }

    /// <summary>How code gets to each root when others use these names.</summary>
    public Func<ulong, Reach> Reached(Image image, IReadOnlySet<string> imports)
    {
        var named = image.Relocations.Where(r => r.Type is RelocationType.GlobDat or RelocationType.JumpSlot).Select(r => r.Value).Concat(Named(image, imports)).ToHashSet();
        var pointers = Reaches.Values.SelectMany(r => r).Concat(Starts).ToHashSet();
        return root => named.Contains(root) ? Reach.ByName : pointers.Contains(root) ? Reach.ByPointer : Reach.Directly;
    }

    static IEnumerable<ulong> Named(Image image, IReadOnlySet<string> imports) =>
        image.Symbols.All.Where(s => s.IsFunction && !s.IsLocal && imports.Contains(s.Name)).Select(s => s.Address);

    public byte[] ToBytes()
    {
        var bytes = new MemoryStream();
        using (var to = new BinaryWriter(bytes))
        {
            void Write(IReadOnlyCollection<ulong> list)
            {
                to.Write(list.Count);
                foreach (ulong pc in list) to.Write(pc);
            }
            to.Write(Chunks.Count);
            foreach (var chunk in Chunks) Write(chunk);
            Write([.. Starts]);
            Write([.. Written.SelectMany(w => (ulong[])[w.Key, (ulong)w.Value])]);
            to.Write(Leaves.Count);
            foreach (var (root, leaves) in Leaves)
            {
                to.Write(root);
                Write(leaves);
                Write(Reaches[root]);
            }
        }
        return bytes.ToArray();
    }

    public static LibraryPlan Read(byte[] bytes)
    {
        using var from = new BinaryReader(new MemoryStream(bytes));
        ulong[] List()
        {
            var list = new ulong[from.ReadInt32()];
            for (int n = 0; n < list.Length; n++) list[n] = from.ReadUInt64();
            return list;
        }
        var chunks = new ulong[from.ReadInt32()][];
        for (int n = 0; n < chunks.Length; n++) chunks[n] = List();
        var (starts, written) = (List(), List().Chunk(2).ToDictionary(w => w[0], w => (Transient)w[1]));
        Dictionary<ulong, ulong[]> leaves = [], reaches = [];
        for (int n = from.ReadInt32(); n > 0; n--)
        {
            ulong root = from.ReadUInt64();
            leaves[root] = List();
            reaches[root] = List();
        }
        return new(chunks, starts, leaves, reaches, written);
    }
}
