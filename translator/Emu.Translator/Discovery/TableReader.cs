using Emu.Translator.Elf;

namespace Emu.Translator.Discovery;

/// <summary>Reads the targets of a table from initial memory, as far as they make sense.</summary>
internal sealed class TableReader(Image image, CodeMap map, RootSet roots)
{
    const int Trial = 4;

    readonly DataReferences references = new(image);

    /// <summary>
    /// A proven range is read up to the first entry that is no code. Otherwise the table ends where the next data that code refers to
    /// begins, or at a target outside the function. A comparison far away may prove too much: behind other data the proof needs
    /// targets inside the function, too.
    /// </summary>
    public List<ulong> Read(ulong jump, TableUse use)
    {
        if (OfBytes(use) is { } all) return all;
        var (shape, targets) = (use.Shape, new List<ulong>());
        var around = FunctionAround(jump);
        var (first, next) = use.IsProven ? (0UL, ulong.MaxValue) : around;
        for (var index = use.Low; index <= use.High; index++)
        {
            if (shape.Size != 0 && index > use.Low && references.Contains(shape.PlaceOf(index)))
            {
                if (!use.IsProven) break;
                (first, next) = around;
            }
            if (TargetOf(shape, index) is not { } target || target < first || target >= next || !IsCode(target)) break;
            targets.Add(target);
        }
        return targets;
    }

    /// <summary>An interpreter's table of all 256 operations, wherever they are (some may be in the function's cold part): code, every one.</summary>
    List<ulong>? OfBytes(TableUse use)
    {
        if (use is not { IsProven: false, Low: 0, High: byte.MaxValue, Shape.Size: 8 }) return null;
        var targets = new List<ulong>();
        for (ulong index = 0; index <= use.High; index++)
        {
            if (index > 0 && references.Contains(use.Shape.PlaceOf(index)) || TargetOf(use.Shape, index) is not { } target || !IsCode(target)) return null;
            targets.Add(target);
        }
        return targets;
    }

    ulong? TargetOf(TableShape shape, ulong index)
    {
        if (shape.Size == 0) return shape.TargetOf(index);
        var place = shape.PlaceOf(index);
        return IsUsable(place, shape) && image.TryRead(place, (ulong)shape.Size, out var entry) ? shape.TargetOf(entry) : null;
    }

    /// <summary>Constant data; a writable table of whole addresses is a guess worth taking (targets are compared at run time).</summary>
    bool IsUsable(ulong place, TableShape shape) => image.IsConstant(place) || shape is { Size: 8, Constant: 0, Scale: 1 };

    bool IsCode(ulong target)
    {
        if (map.IndexOf(target) >= 0) return true;
        if (map.IsInsideInstruction(target)) return false;
        for (var (n, pc) = (0, target); n < Trial; n++)
        {
            if (!map.TryDecode(pc, out var i) || Flow.IsSuspect(i)) return false;
            if (Flow.End(i) is not null) return true;
            pc = i.NextIP;
        }
        return true;
    }

    (ulong First, ulong Last) FunctionAround(ulong pc)
    {
        if (Extent.Of(image, pc) is { } extent) return (extent.Start, extent.End);
        return roots.FunctionsAround(pc);
    }
}
