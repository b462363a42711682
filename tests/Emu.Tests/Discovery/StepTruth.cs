using System.Runtime.InteropServices;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using GuestProgram = Emu.Translator.Discovery.Program;

namespace Emu.Tests.Discovery;

/// <summary>Compares what discovery found with what a native run executed, step by step (written by <c>steps.c</c>).</summary>
public sealed class StepTruth
{
    readonly GuestProgram program;
    readonly Dictionary<ulong, GuestBlock> blockOf = [];
    readonly HashSet<ulong> inside = [];

    public StepTruth(GuestProgram program)
    {
        this.program = program;
        foreach (var block in program.Regions.SelectMany(r => r.Blocks))
            foreach (var instruction in block.Instructions)
            {
                inside.Add(instruction.IP);
                if (instruction.IP == block.Instructions[^1].IP) blockOf[instruction.IP] = block;
            }
    }

    /// <summary>Everything the run did that discovery does not know, one line each; empty when all is well.</summary>
    public IEnumerable<string> Missing(string stepsFile)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(File.ReadAllBytes(stepsFile)).ToArray();
        var slide = program.Image.Entry - words[0];
        for (var i = 1; i + 1 < words.Length; i += 2)
        {
            var (from, to) = (words[i] + slide, words[i + 1] + slide);
            if (program.Image.IsExecutable(to) && Complaint(from, to) is { } complaint) yield return complaint;
        }
    }

    string? Complaint(ulong from, ulong to)
    {
        if (!inside.Contains(to)) return $"{to:x} was executed (after {from:x}) but is in no region";
        if (from == to || !blockOf.TryGetValue(from, out var block)) return null; // from == to: an iteration of a string instruction
        return block.End switch
        {
            BlockEnd.Call or BlockEnd.IndirectCall => program.RegionAt(to) is null ? $"{from:x} called {to:x}, which is no root" : null,
            BlockEnd.IndirectJump when block.Table is { } table && table.Targets.Contains(to) => null,
            BlockEnd.IndirectJump => program.RegionAt(to) is null ? $"{from:x} jumped to {to:x}, which is no root" : null,
            BlockEnd.Return or BlockEnd.Trap => null,
            _ => block.Successors.Contains(to) || program.RegionAt(to) is not null ? null : $"{from:x} went to {to:x}, which is neither inside nor a root",
        };
    }
}
