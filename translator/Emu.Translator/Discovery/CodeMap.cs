using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>Decoded instructions of the reachable code, each once, with the edges that lead to it inside functions.</summary>
internal sealed class CodeMap
{
    sealed class Code(Segment segment)
    {
        public readonly Segment Segment = segment;
        public readonly int[] Index = new int[segment.Bytes.Length];
        public readonly Reader Reader = new(segment.Bytes);
    }

    sealed class Reader(ReadOnlyMemory<byte> bytes) : CodeReader
    {
        public int Position;

        public override int ReadByte() => Position < bytes.Length ? bytes.Span[Position++] : -1;
    }

    const int None = -1;

    readonly Code[] codes;
    readonly Decoder[] decoders;
    readonly List<Instruction> instructions = [];
    readonly List<int> previous = [];
    readonly Dictionary<ulong, List<int>> jumpsTo = [];
    readonly Dictionary<int, ushort> written = [];
    readonly InstructionInfoFactory information = new();

    public CodeMap(Image image)
    {
        codes = [.. image.Segments.Where(s => s.IsExecutable).Select(s => new Code(s))];
        decoders = [.. codes.Select(c => Decoder.Create(64, c.Reader))];
    }

    /// <summary>Decodes without remembering; false outside executable bytes or when they are no instruction.</summary>
    public bool TryDecode(ulong pc, out Instruction instruction)
    {
        for (var c = 0; c < codes.Length; c++)
        {
            var offset = pc - codes[c].Segment.Address;
            if (offset >= (ulong)codes[c].Index.Length) continue;
            codes[c].Reader.Position = (int)offset;
            decoders[c].IP = pc;
            decoders[c].Decode(out instruction);
            return !instruction.IsInvalid;
        }
        instruction = default;
        return false;
    }

    /// <summary>Number of a known instruction, -1 when it has not been reached.</summary>
    public int IndexOf(ulong pc)
    {
        foreach (var code in codes)
            if (pc - code.Segment.Address is var offset && offset < (ulong)code.Index.Length)
                return code.Index[offset] - 1;
        return None;
    }

    public Instruction this[int index] => instructions[index];

    public int Count => instructions.Count;

    /// <summary>Remembers an instruction that falls through from another (-1: from none).</summary>
    public int Add(in Instruction instruction, int from)
    {
        instructions.Add(instruction);
        previous.Add(from);
        foreach (var code in codes)
            if (instruction.IP - code.Segment.Address is var offset && offset < (ulong)code.Index.Length)
                code.Index[offset] = instructions.Count;
        return instructions.Count - 1;
    }

    /// <summary>Notes that execution can run from one instruction into the next.</summary>
    public void LinkFall(int from, int to)
    {
        if (from == None || previous[to] == from) return;
        if (previous[to] == None) previous[to] = from;
        else LinkJump(from, this[to].IP); // instructions that overlap
    }

    public void LinkJump(int from, ulong target)
    {
        if (!jumpsTo.TryGetValue(target, out var sources)) jumpsTo[target] = sources = [];
        if (!sources.Contains(from)) sources.Add(from);
    }

    /// <summary>Instructions that jump here.</summary>
    public IReadOnlyList<int> JumpsTo(ulong pc) => jumpsTo.TryGetValue(pc, out var sources) ? sources : [];

    /// <summary>The instruction that falls through to this one, -1 when none does.</summary>
    public int Previous(int index) => previous[index];

    /// <summary>General registers an instruction may write (or a call may change), one bit each in hardware order; a call changes what the ABI lets it.</summary>
    public ushort Written(int index)
    {
        const ushort callerSaved = 0x0fc7;
        if (written.TryGetValue(index, out var mask)) return mask;
        var i = instructions[index];
        if (i.Mnemonic == Mnemonic.Call) return written[index] = callerSaved;
        foreach (var used in information.GetInfo(i).GetUsedRegisters())
            if (used.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite && used.Register.IsGPR())
                mask |= (ushort)(1 << (used.Register.GetFullRegister() - Register.RAX));
        return written[index] = mask;
    }

    /// <summary>The address is inside an instruction that was reached, not at its start.</summary>
    public bool IsInsideInstruction(ulong pc)
    {
        const int longest = 15;
        if (IndexOf(pc) != None) return false;
        for (ulong back = 1; back < longest; back++)
            if (IndexOf(pc - back) is var i && i != None)
                return this[i].NextIP > pc;
        return false;
    }
}
