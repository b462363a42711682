using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>
/// Compilers move unlikely code of a function away, with a frame description of its own. Where only conditional jumps of other code
/// lead to a frame's start, it is such a part: no root, but a piece of the regions that jump there.
/// </summary>
internal static class ColdParts
{
    public static void Remove(Image image, CodeMap map, RootSet roots)
    {
        foreach (var frame in image.Frames)
            if (roots.ReasonOf(frame.Start) == RootReason.Frame && map.JumpsTo(frame.Start).Any(j => IsBranchFromOutside(map[j], frame)))
                roots.Remove(frame.Start);
    }

    static bool IsBranchFromOutside(in Instruction i, Fde frame) =>
        i.FlowControl == FlowControl.ConditionalBranch && (i.IP < frame.Start || i.IP >= frame.End);
}
