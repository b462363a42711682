using System.Collections.Concurrent;
using System.Globalization;
using Emu.Translator.Lowering;
using Iced.Intel;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Baseline;

/// <summary>An operand of a line of assembly: a register, a number, an address, or number <see cref="Hole"/> of what the text is about.</summary>
/// <param name="Hole">-1: none; of a memory operand the pointer.</param>
/// <param name="Size">Bytes of a memory operand, 0 where the text does not say.</param>
readonly record struct TextOperand(OpKind Kind, Register Register, int Hole, long Number, int Size);

/// <summary>One instruction of a text with its operands, or bytes that are to be taken as they are.</summary>
sealed record TextLine(Code[] Codes, bool Locks, TextOperand[] Operands, byte[] Raw);

/// <summary>
/// The assembly of <see cref="Natives"/> for Iced: what LLVM's assembler makes of a template, made here, once for each template. The codes of
/// a mnemonic are tried until one fits.
/// </summary>
static class HostText
{
    static readonly ConcurrentDictionary<string, TextLine[]?> parsed = [];
    static readonly Lazy<Dictionary<string, Code[]>> codes = new(() => Enum.GetValues<Code>()
        .Where(c => c.ToOpCode() is { IsInstruction: true, Mode64: true, Encoding: EncodingKind.Legacy or EncodingKind.VEX })
        .GroupBy(c => c.Mnemonic().ToString().ToLowerInvariant()).ToDictionary(g => g.Key, g => g.ToArray()));

    /// <summary>The lines of a template; null when it has something that is not known here.</summary>
    public static TextLine[]? Lines(string template) => parsed.GetOrAdd(template, Parse);

    static TextLine[]? Parse(string template)
    {
        TextLine?[] lines = template.Split('\n', ';').Select(l => l.Trim()).Where(l => l != "").Select(Line).ToArray();
        return Array.Exists(lines, l => l is null) ? null : [.. lines.Select(l => l!)];
    }

    static TextLine? Line(string text)
    {
        if (text.StartsWith(".byte ", StringComparison.Ordinal))
            return new([], false, [], [.. text[6..].Split(',').Select(b => Convert.ToByte(b.Trim(), 16))]);
        text = text.Replace("{vex3} ", "", StringComparison.Ordinal);
        bool locks = text.StartsWith("lock ", StringComparison.Ordinal);
        if (locks) text = text[5..];
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        string name = space < 0 ? text : text[..space];
        var operands = space < 0 ? [] : text[space..].Split(',').Select(o => Operand(o.Trim())).ToArray();
        if (!codes.Value.TryGetValue(name, out var all) || operands.Contains(null)) return null;
        return new([.. all.Where(c => c.ToOpCode().OpCount == operands.Length)], locks, [.. operands.Select(o => o!.Value)], []);
    }

    static TextOperand? Operand(string text)
    {
        int size = 0;
        foreach (var (word, bytes) in new[] { ("byte", 1), ("word", 2), ("dword", 4), ("qword", 8), ("tbyte", 10), ("xmmword", 16), ("ymmword", 32) })
            if (text.StartsWith(word + " ptr ", StringComparison.Ordinal)) (size, text) = (bytes, text[(word.Length + 5)..]);
        if (text[0] == '[') return Memory(text[1..^1], size);
        if (text[0] == '$') return new(size > 0 ? OpKind.Memory : OpKind.Register, Register.None, text[1] - '0', 0, size);
        if (long.TryParse(text, CultureInfo.InvariantCulture, out long number)) return new(OpKind.Immediate8, Register.None, -1, number, 0);
        return Enum.TryParse<Register>(text, ignoreCase: true, out var register) ? new(OpKind.Register, register, -1, 0, 0) : null;
    }

    static TextOperand? Memory(string text, int size)
    {
        var words = text.Split(' ');
        long at = words.Length == 3 ? long.Parse(words[2], CultureInfo.InvariantCulture) * (words[1] == "-" ? -1 : 1) : 0;
        if (words[0][0] == '$') return new(OpKind.Memory, Register.None, words[0][1] - '0', at, size);
        return Enum.TryParse<Register>(words[0], ignoreCase: true, out var register) ? new(OpKind.Memory, register, -1, at, size) : null;
    }

    /// <summary>Writes a line; false when no encoding fits.</summary>
    /// <param name="hole">What stands for each number of the text: a register of the right size, or the memory of an operand.</param>
    public static bool Write(TextLine line, HostCode to, Func<int, Register> hole, Func<int, MemoryOperand?> memory)
    {
        to.Bytes(line.Raw);
        foreach (var code in line.Codes)
        {
            if (Make(code, line, hole, memory) is not { } i) continue;
            to.Add(i);
            return true;
        }
        return line.Raw.Length > 0;
    }

    static Instruction? Make(Code code, TextLine line, Func<int, Register> hole, Func<int, MemoryOperand?> memory)
    {
        var opcode = code.ToOpCode();
        var i = new Instruction { Code = code, HasLockPrefix = line.Locks };
        for (int n = 0; n < line.Operands.Length; n++)
        {
            var (o, kind) = (line.Operands[n], opcode.GetOpKind(n));
            if (o.Kind == OpKind.Memory)
            {
                if (!IsMemory(kind) || o.Size > 0 && code != Code.Lea_r64_m && opcode.MemorySize.GetSize() is > 0 and var s && s != o.Size) return null;
                var m = o.Hole >= 0 ? memory(o.Hole) ?? new(hole(o.Hole), (long)o.Number, o.Number == 0 ? 0 : 1) : new(o.Register, o.Number, o.Number == 0 ? 0 : o.Number == (sbyte)o.Number ? 1 : 8);
                i.SetOpKind(n, OpKind.Memory);
                (i.MemoryBase, i.MemoryIndex, i.MemoryIndexScale, i.MemoryDisplacement64, i.MemoryDisplSize, i.SegmentPrefix) = (m.Base, m.Index, m.Scale, (ulong)m.Displacement, m.DisplSize, m.SegmentPrefix);
            }
            else if (o.Kind == OpKind.Register)
            {
                var r = o.Hole >= 0 ? hole(o.Hole) : o.Register;
                if (!Takes(kind, r)) return null;
                i.SetOpRegister(n, r);
            }
            else if (kind is OpCodeOperandKind.imm8) (i.Immediate8, _) = ((byte)o.Number, Set(ref i, n, OpKind.Immediate8));
            else if (kind is OpCodeOperandKind.imm8sex32 && o.Number == (sbyte)o.Number) (i.Immediate8to32, _) = ((sbyte)o.Number, Set(ref i, n, OpKind.Immediate8to32));
            else return null;
        }
        return i;
    }

    static bool Set(ref Instruction i, int n, OpKind kind)
    {
        i.SetOpKind(n, kind);
        return true;
    }

    static bool IsMemory(OpCodeOperandKind kind) => kind is OpCodeOperandKind.mem || kind.ToString().EndsWith("_or_mem", StringComparison.Ordinal);

    static bool Takes(OpCodeOperandKind kind, Register r) => kind switch
    {
        OpCodeOperandKind.al => r == Register.AL,
        OpCodeOperandKind.cl => r == Register.CL,
        OpCodeOperandKind.ax => r == Register.AX,
        OpCodeOperandKind.eax => r == Register.EAX,
        OpCodeOperandKind.rax => r == Register.RAX,
        _ => kind.ToString().Split('_')[0] switch
        {
            "r8" => r.IsGPR8(),
            "r16" => r.IsGPR16(),
            "r32" => r.IsGPR32(),
            "r64" => r.IsGPR64(),
            "mm" => r.IsMM(),
            "xmm" => r.IsXMM(),
            "ymm" => r.IsYMM(),
            _ => false,
        },
    };

    /// <summary>A register of the sixteen by number, as wide as a type.</summary>
    public static Register Sized(int n, IrType t) => t.TotalBits switch { <= 8 => n < 4 ? Register.AL + n : Register.SPL + (n - 4), 16 => Register.AX + n, <= 32 => Register.EAX + n, _ => Register.RAX + n };
}
