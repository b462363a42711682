using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// Roots for indirect jumps that the value analysis could not resolve: whatever looks like a jump table among the constants that the
/// code in front of the jump names. The jump itself stays unresolved and finds its target at run time; a wrong guess costs space only.
/// </summary>
internal sealed class TableGuess(Image image, CodeMap map, RootSet roots, Explorer explorer, JumpTables tables)
{
    const int MostEntries = 1024, CodeBefore = 0x1000;
    const ulong Reach = 0x8000;
    readonly HashSet<ulong> done = [];

    public void Add()
    {
        foreach (var jump in explorer.IndirectJumps.ToArray())
        {
            var index = map.IndexOf(jump);
            if (tables.Resolved.ContainsKey(jump) || map[index].Op0Kind == OpKind.Memory && map[index].IsIPRelativeMemoryOperand || !done.Add(jump)) continue;
            foreach (var constant in Constants(jump).Distinct().ToArray())
                foreach (var target in image.IsExecutable(constant) ? [constant] : Entries(jump, constant))
                    if (!roots.Contains(target)) roots.Add(target, RootReason.TableGuess);
        }
    }

    /// <summary>Constant data, and code nearby, whose address the code in front of a jump makes.</summary>
    IEnumerable<ulong> Constants(ulong jump)
    {
        var first = Math.Max(roots.FunctionsAround(jump).First, jump - Math.Min(jump, CodeBefore));
        // Another function's end is no harm, but decoding must start at an instruction.
        for (var pc = first; pc <= jump && map.TryDecode(pc, out var i); pc = i.NextIP)
        {
            if (Address(i) is { } address && (image.IsExecutable(address) ? IsPlausible(jump, address) : image.IsConstant(address))) yield return address;
        }
    }

    static ulong? Address(in Instruction i)
    {
        if (i.IsIPRelativeMemoryOperand) return i.IPRelativeMemoryAddress;
        for (var n = 0; n < i.OpCount; n++)
        {
            if (i.GetOpKind(n) == OpKind.Memory && i.MemoryDisplSize >= 4) return i.MemoryDisplacement64;
            if (i.GetOpKind(n) is OpKind.Immediate32 or OpKind.Immediate32to64 or OpKind.Immediate64) return i.GetImmediate(n);
        }
        return null;
    }

    /// <summary>The targets of a table of addresses, or of 32-bit distances from the table; none unless two in a row are plausible.</summary>
    List<ulong> Entries(ulong jump, ulong table)
    {
        var absolute = Read(jump, n => image.TryReadU64(table + 8 * n, out var word) ? word : 0);
        var relative = Read(jump, n => image.TryRead(table + 4 * n, 4, out var bytes) ? table + (ulong)(long)BitConverter.ToInt32(bytes) : 0);
        var best = absolute.Count >= relative.Count ? absolute : relative;
        return best.Count >= 2 ? best : [];
    }

    List<ulong> Read(ulong jump, Func<ulong, ulong> entry)
    {
        var found = new List<ulong>();
        for (ulong n = 0; n < MostEntries && entry(n) is var target && IsPlausible(jump, target); n++) found.Add(target);
        return found;
    }

    bool IsPlausible(ulong jump, ulong target) =>
        target + Reach > jump && target < jump + Reach && image.IsExecutable(target) && !map.IsInsideInstruction(target) && map.TryDecode(target, out var i) && !i.IsInvalid;
}
