using Emu.Translator.Linking;
using Emu.Translator.X86;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Makes instructions of every encoding that is lifted: registers, memory operands, immediates and prefixes at random.</summary>
/// <param name="pointers">The registers that addresses are made of; with <paramref name="near"/> with small displacements.</param>
sealed class Samples(Dice dice, Register[] pointers, bool near = false)
{
    static readonly Register[] all = [.. Enumerable.Range(0, 16).Select(n => Register.RAX + n)];

    public Samples(Dice dice) : this(dice, all) { }

    /// <summary>Every encoding that has a row and is not <see cref="Outside"/>.</summary>
    public static IReadOnlyList<Code> Rows { get; } = [.. Enum.GetValues<Code>().Where(c =>
        c.ToOpCode() is { IsInstruction: true, Mode64: true } && Rules.All[c.Mnemonic()] != null && Outside.Reason(c) == null
        && c.Encoding() is EncodingKind.Legacy or EncodingKind.VEX && !IsShadowed(c))];

    /// <summary>Those that this host can execute.</summary>
    public static IReadOnlyList<Code> Codes { get; } = [.. Rows.Where(HostCpu.Has)];

    /// <summary>Another encoding of the same bytes in 64-bit mode: Intel's near branches ignore an operand-size prefix, AMD's do not; Knights Corner has its own.</summary>
    static bool IsShadowed(Code c) => c is Code.Retnw or Code.Retnw_imm16 or Code.Call_rm16 or Code.Jmp_rm16 || c.ToString().StartsWith("VEX_KNC", StringComparison.Ordinal) || Enumerable.Range(0, c.ToOpCode().OpCount).Any(n => c.ToOpCode().GetOpKind(n).ToString() is "br16_1" or "br16_2" or "br32_1" or "br32_4");

    /// <summary>An instruction of encoding <paramref name="code"/> as decoded at <see cref="HostMemory.Slot"/>, with its bytes; null where this one cannot be encoded.</summary>
    public (Instruction Instruction, byte[] Bytes)? Make(Code code, bool memory)
    {
        var opcode = code.ToOpCode();
        var i = new Instruction { Code = code };
        for (int n = 0; n < opcode.OpCount; n++)
            if (!Operand(ref i, n, opcode.GetOpKind(n), memory)) return null;
        // Destination, index and mask of a gather must be three registers (Intel SDM vol. 2, VPGATHERDD).
        if (i.IsVsib && !dice.OneIn(16)) i.Op2Register += (i.Op0Register.GetNumber() + 9) % 16 - i.Op2Register.GetNumber();
        if (i.IsVsib && !dice.OneIn(16)) i.MemoryIndex += (i.Op0Register.GetNumber() + 5) % 16 - i.MemoryIndex.GetNumber();
        if (memory && opcode.CanUseLockPrefix && i.Op0Kind == OpKind.Memory) i.HasLockPrefix = dice.OneIn(2);
        if (opcode.CanUseRepPrefix || opcode.CanUseRepnePrefix) Repeat(ref i, opcode);
        if (HasAddress(i) && dice.OneIn(8)) i.SegmentPrefix = dice.OneIn(2) ? Register.FS : Register.GS;
        var writer = new Bytes();
        if (!Encoder.Create(64, writer).TryEncode(i, HostMemory.Slot, out _, out _)) return null;
        var bytes = writer.List.ToArray();
        var decoded = Decoder.Create(64, bytes, HostMemory.Slot).Decode();
        return decoded.Code == code ? (decoded, bytes) : null;
    }

    sealed class Bytes : CodeWriter
    {
        public readonly List<byte> List = [];
        public override void WriteByte(byte value) => List.Add(value);
    }

    static bool HasAddress(in Instruction i) => Enumerable.Range(0, i.OpCount).Select(i.GetOpKind).Any(k => k is OpKind.Memory or OpKind.MemorySegRSI or OpKind.MemorySegESI or OpKind.MemorySegRDI or OpKind.MemorySegEDI);

    void Repeat(ref Instruction i, OpCodeInfo opcode)
    {
        switch (dice.Next(3))
        {
            case 1: i.HasRepePrefix = true; break;
            case 2 when opcode.CanUseRepnePrefix: i.HasRepnePrefix = true; break;
        }
    }

    bool Operand(ref Instruction i, int n, OpCodeOperandKind kind, bool memory)
    {
        string name = kind.ToString();
        bool either = name.EndsWith("_or_mem", StringComparison.Ordinal);
        if (name is "mem" or "sibmem" || either && memory) { i.SetOpKind(n, OpKind.Memory); Address(ref i); return true; }
        if (name == "mem_offs") { i.SetOpKind(n, OpKind.Memory); Absolute(ref i, 8); return true; }
        if (name.StartsWith("mem_vsib", StringComparison.Ordinal)) { i.SetOpKind(n, OpKind.Memory); Vsib(ref i, name[^1]); return true; }
        if (memory && either) return false;
        if (Implied(name) is { } fixedRegister) { i.SetOpRegister(n, fixedRegister); return true; }
        if (AnyOf(name) is { } register) { i.SetOpRegister(n, register); return true; }
        return Immediate(ref i, n, name) || Strings(ref i, n, name) || Branch(ref i, n, name);
    }

    static Register? Implied(string name) => name switch
    {
        "al" => Register.AL,
        "cl" => Register.CL,
        "ax" => Register.AX,
        "eax" => Register.EAX,
        "rax" => Register.RAX,
        "dx" => Register.DX,
        "st0" => Register.ST0,
        "es" => Register.ES,
        "cs" => Register.CS,
        "ss" => Register.SS,
        "ds" => Register.DS,
        "fs" => Register.FS,
        "gs" => Register.GS,
        _ => null,
    };

    int last;

    /// <summary>A number below <paramref name="count"/>, the one before it once in a while: instructions whose operands are the same register.</summary>
    int Number(int count) => last = dice.OneIn(8) ? last % count : dice.Next(count);

    /// <summary>A general register other than rsp mostly, any vector register, or st0 ... st5 (the others are kept free for pushes).</summary>
    Register? AnyOf(string name)
    {
        int n = Number(16) is var k && k == 4 && !dice.OneIn(4) ? 3 : k;
        return name.Split('_')[0] switch
        {
            "r8" => (dice.OneIn(2) ? Register.AL : Register.SPL) + (n & 7) is var low && n > 11 ? Register.R8L + (n & 7) : low,
            "r16" => Register.AX + n,
            "r32" => Register.EAX + n,
            "r64" => Register.RAX + n,
            "mm" => Register.MM0 + (n & 7),
            "xmm" or "xmmp3" => Register.XMM0 + n,
            "ymm" => Register.YMM0 + n,
            "sti" => Register.ST0 + n % 6,
            "seg" when name == "seg_reg" => Register.ES + n % 6,
            _ => null,
        };
    }

    Register Pointer() => pointers[dice.Next(pointers.Length)];

    void Address(ref Instruction i)
    {
        bool narrow = dice.OneIn(8) && !near;
        Register baseRegister = Pointer(), index = Pointer();
        Displace(ref i);
        int kind = dice.Next(12);
        if (kind < 2) { Absolute(ref i, kind == 0 ? 8 : 4); if (kind == 0) i.MemoryBase = Register.RIP; return; }
        if (near || kind > 5) index = Register.None;
        if (kind == 2 && index != Register.None) baseRegister = Register.None;
        if (index is Register.RSP) index = Register.None;
        if (baseRegister == Register.None && index == Register.None) baseRegister = Register.RDI;
        if (baseRegister == Register.None) i.MemoryDisplSize = 4;
        i.MemoryBase = Narrow(baseRegister);
        i.MemoryIndex = Narrow(index);
        i.MemoryIndexScale = index == Register.None ? 1 : 1 << dice.Next(4);

        Register Narrow(Register r) => narrow && r != Register.None ? r - Register.RAX + Register.EAX : r;
    }

    void Displace(ref Instruction i)
    {
        int kind = dice.Next(3);
        i.MemoryDisplSize = kind switch { 0 => 0, 1 => 1, _ => 4 };
        i.MemoryDisplacement64 = kind switch { 0 => 0, 1 => (ulong)dice.Next(-100, 100), _ => (ulong)dice.Next(-100000, 100000) };
        if (near) i.MemoryDisplacement64 = dice.OneIn(16) ? (ulong)dice.Next(-128, 128) : 32 * (ulong)dice.Next(-16, 16);
        if (i.MemoryDisplacement64 == 0) i.MemoryDisplSize = 0;
    }

    void Absolute(ref Instruction i, int size)
    {
        i.MemoryBase = i.MemoryIndex = Register.None;
        i.MemoryIndexScale = 1;
        i.MemoryDisplSize = size;
        i.MemoryDisplacement64 = Machine.Middle + (ulong)dice.Next(8) * 32 - (ulong)(dice.OneIn(4) ? dice.Next(32) : 0);
    }

    void Vsib(ref Instruction i, char width)
    {
        i.MemoryBase = Pointer();
        Displace(ref i);
        i.MemoryIndex = (width == 'y' ? Register.YMM0 : Register.XMM0) + dice.Next(16);
        i.MemoryIndexScale = 1 << dice.Next(4);
    }

    static readonly ulong[] edges = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff, ulong.MaxValue];

    bool Immediate(ref Instruction i, int n, string name)
    {
        ulong v = dice.OneIn(2) ? edges[dice.Next(edges.Length)] : (ulong)dice.NextInt64();
        switch (name)
        {
            case "imm8" when n > 0 && i.GetOpKind(n - 1) == OpKind.Immediate16: i.SetOpKind(n, OpKind.Immediate8_2nd); i.Immediate8_2nd = (byte)(v & 3); return true;
            case "imm8": i.SetOpKind(n, OpKind.Immediate8); i.Immediate8 = (byte)v; return true;
            case "imm8_const_1": i.SetOpKind(n, OpKind.Immediate8); i.Immediate8 = 1; return true;
            case "imm8sex16": i.SetOpKind(n, OpKind.Immediate8to16); i.Immediate8to16 = (sbyte)v; return true;
            case "imm8sex32": i.SetOpKind(n, OpKind.Immediate8to32); i.Immediate8to32 = (sbyte)v; return true;
            case "imm8sex64": i.SetOpKind(n, OpKind.Immediate8to64); i.Immediate8to64 = (sbyte)v; return true;
            case "imm16": i.SetOpKind(n, OpKind.Immediate16); i.Immediate16 = i.Mnemonic is Mnemonic.Enter or Mnemonic.Ret ? (ushort)(v & 0x78) : (ushort)v; return true;
            case "imm32": i.SetOpKind(n, OpKind.Immediate32); i.Immediate32 = (uint)v; return true;
            case "imm32sex64": i.SetOpKind(n, OpKind.Immediate32to64); i.Immediate32to64 = (int)v; return true;
            case "imm64": i.SetOpKind(n, OpKind.Immediate64); i.Immediate64 = v; return true;
            default: return false;
        }
    }

    bool Strings(ref Instruction i, int n, string name)
    {
        if (n == 0) narrowStrings = dice.OneIn(8) && !near;
        OpKind? kind = name switch
        {
            "seg_rSI" => narrowStrings ? OpKind.MemorySegESI : OpKind.MemorySegRSI,
            "es_rDI" => narrowStrings ? OpKind.MemoryESEDI : OpKind.MemoryESRDI,
            "seg_rDI" => narrowStrings ? OpKind.MemorySegEDI : OpKind.MemorySegRDI,
            _ => null,
        };
        if (name == "seg_rBX_al") { i.SetOpKind(n, OpKind.Memory); (i.MemoryBase, i.MemoryIndex, i.MemoryIndexScale) = (Register.RBX, Register.AL, 1); return true; }
        if (kind is not { } k) return false;
        i.SetOpKind(n, k);
        return true;
    }

    bool narrowStrings;

    static bool Branch(ref Instruction i, int n, string name)
    {
        if (name is not ("br64_1" or "br64_4")) return false;
        i.SetOpKind(n, OpKind.NearBranch64);
        i.NearBranch64 = name == "br64_1" ? Machine.Near : Machine.Elsewhere;
        return true;
    }
}

/// <summary>What the samples ask about an instruction.</summary>
static class Encodings
{
    /// <summary>The size in bytes of a lane of a vector index; null if the instruction has none.</summary>
    public static int? VsibIndex(this in Instruction i) => !i.IsVsib ? null : i.IsVsib64 ? 8 : 4;

    /// <summary>Whether a memory operand of 16 bytes must be aligned: in SSE's encodings it must (Intel SDM vol. 1, 4.1.1).</summary>
    public static bool NeedsAlignment(this in Instruction i) => i.MemorySize.GetSize() >= 16
        && (i.Encoding == EncodingKind.Legacy || i.Mnemonic is Mnemonic.Vmovaps or Mnemonic.Vmovapd or Mnemonic.Vmovdqa or Mnemonic.Vmovntps or Mnemonic.Vmovntpd or Mnemonic.Vmovntdq or Mnemonic.Vmovntdqa);
}
