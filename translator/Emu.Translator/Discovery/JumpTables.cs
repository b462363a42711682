using Emu.Translator.Elf;

namespace Emu.Translator.Discovery;

/// <summary>Resolves indirect jumps through tables.</summary>
internal sealed class JumpTables(Image image, CodeMap map, RootSet roots, Explorer explorer)
{
    readonly Dictionary<ulong, JumpTable> resolved = [];
    readonly List<(ulong Start, ulong End)> covered = [];

    /// <summary>Tables by the address of the jump.</summary>
    public IReadOnlyDictionary<ulong, JumpTable> Resolved => resolved;

    public bool Covers(ulong address) => covered.Exists(c => address >= c.Start && address < c.End);

    public void ResolveAll() { _ = (image, roots); }

    public List<UnresolvedJump> Unresolved() =>
        [.. explorer.IndirectJumps.Select(j => new UnresolvedJump(j.Key, map[j.Value], "todo"))];
}
