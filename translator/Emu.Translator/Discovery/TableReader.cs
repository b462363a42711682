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
        var around = FunctionAround(jump);
        // An interpreter's table of all 256 operations: some may be in the function's cold part, but every one is code.
        if (use is { IsProven: false, Low: 0, High: byte.MaxValue, Shape.Size: 8 } && Read(use, anywhere, around) is { Count: byte.MaxValue + 1 } all) return all;
        return Read(use, use.IsProven ? anywhere : around, around);
    }

    static readonly (ulong First, ulong Next) anywhere = (0, ulong.MaxValue);

    /// <summary>Entries up to the first that is no code, or outside of a range: the one of the function behind other data.</summary>
    List<ulong> Read(TableUse use, (ulong First, ulong Next) range, (ulong First, ulong Next) around)
    {
        var (shape, targets) = (use.Shape, new List<ulong>());
        for (var index = use.Low; index <= use.High; index++)
        {
            if (shape.Size != 0 && index > use.Low && references.Contains(shape.PlaceOf(index)))
            {
                if (!use.IsProven) break;
                range = around;
            }
            if (TargetOf(shape, index) is not { } target || target < range.First || target >= range.Next || !IsCode(target)) break;
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
