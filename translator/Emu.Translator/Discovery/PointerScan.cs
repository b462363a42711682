using System.Runtime.InteropServices;
using Emu.Translator.Elf;

namespace Emu.Translator.Discovery;

/// <summary>Judges addresses of code found in instructions and in initial data; the plausible ones become roots.</summary>
internal sealed class PointerScan(Image image, CodeMap map, RootSet roots, Explorer explorer, JumpTables tables)
{
    const int Trial = 20;

    int judged;
    List<(ulong Place, ulong Target)>? words;

    /// <summary>Code pointers that instructions made since the last call.</summary>
    public void AddCodePointers()
    {
        for (; judged < explorer.CodePointers.Count; judged++)
        {
            var (pc, isNumber) = explorer.CodePointers[judged];
            if (roots.IsFunction(pc) || IsPlausible(pc) && (!isNumber || MayBeMeant(pc))) roots.Add(pc, RootReason.CodePointer);
        }
    }

    /// <summary>Words of initial data that point to code, except entries of resolved tables.</summary>
    public void AddDataPointers()
    {
        words ??= [.. FindWords().OrderBy(w => w.Place)];
        foreach (var (place, target) in words)
            if (!tables.Covers(place) && (roots.IsFunction(target) || IsPlausible(target) && MayBeMeant(target) && MayBeLabel(target)))
                roots.Add(target, RootReason.DataPointer);
    }

    /// <summary>A number that happens to be the address of an instruction in mid-flow is no pointer, unless that function jumps through data.</summary>
    bool MayBeMeant(ulong pc) => map.IndexOf(pc) is not (>= 0 and var index) || map.Previous(index) < 0 || explorer.Leaders.Contains(pc) || HasIndirectJumpAround(pc);

    /// <summary>Addresses inside a function are kept in data only where that function jumps through data.</summary>
    bool MayBeLabel(ulong pc) => Extent.Of(image, pc) is not { } extent || extent.Start == pc || HasIndirectJumpAround(pc);

    bool HasIndirectJumpAround(ulong pc)
    {
        var (first, next) = Extent.Of(image, pc) is { } extent ? (extent.Start, extent.End) : roots.FunctionsAround(pc);
        return explorer.IndirectJumps.GetViewBetween(first, next - 1).Any(j => !tables.IsCertain(j));
    }

    /// <summary>Data decoded as code soon shows instructions no program uses.</summary>
    bool IsPlausible(ulong pc)
    {
        if (map.IndexOf(pc) >= 0) return true;
        if (map.IsInsideInstruction(pc)) return false;
        for (var n = 0; n < Trial; n++)
        {
            if (!map.TryDecode(pc, out var i) || Flow.IsSuspect(i)) return false;
            if (Flow.End(i) is { } end && !Flow.FallsThrough(end)) return end != BlockEnd.Jump || image.IsExecutable(i.NearBranchTarget);
            pc = i.NextIP;
        }
        return true;
    }

    IEnumerable<(ulong Place, ulong Target)> FindWords() => image.IsPie
        ? image.Relocations.Where(r => r.Value != 0 && image.IsExecutable(r.Value)).Select(r => (r.Address, r.Value))
        : DataRanges().SelectMany(r => Words(r.Start, r.End)).ExceptBy(image.Relocations.Select(r => r.Address), w => w.Place);

    IEnumerable<(ulong Start, ulong End)> DataRanges() =>
        image.Segments.Where(s => !s.IsExecutable).Select(s => (s.Address, s.Address + (ulong)s.Bytes.Length))
            .Concat(image.Sections.Where(s => s.IsAllocated && !s.IsCode && image.IsExecutable(s.Address)).Select(s => (s.Address, s.Address + s.Size)));

    List<(ulong Place, ulong Target)> Words(ulong start, ulong end)
    {
        var found = new List<(ulong, ulong)>();
        var first = (start + 7) & ~7UL;
        if (first >= end || !image.TryRead(first, (end - first) & ~7UL, out var bytes)) return found;
        var values = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (var i = 0; i < values.Length; i++)
            if (values[i] != 0 && image.IsExecutable(values[i]))
                found.Add((first + (ulong)i * 8, values[i]));
        return found;
    }
}
