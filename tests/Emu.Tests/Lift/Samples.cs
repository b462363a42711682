using System.Numerics;
using Emu.Translator.Linking;
using Emu.Translator.X86;
using Iced.Intel;

namespace Emu.Tests.Lift;

/// <summary>Makes instructions of every encoding that is lifted: registers, memory operands and immediates at random.</summary>
sealed class Samples(Random random)
{
    static readonly Register[] bases = [Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.RSI, Register.RDI, Register.R8, Register.R12, Register.R13, Register.R15];

    /// <summary>Instructions that user mode cannot try out: they trap, ask the runtime, concern the thread or the processor that runs the test, or differ from run to run
    /// (where UMIP forbids it, Linux answers for <c>sldt</c> and its like, and keeps a 32-bit register's upper half).</summary>
    static bool IsOutside(Code c) => c.Mnemonic() is Mnemonic.Syscall or Mnemonic.Cpuid or Mnemonic.Xgetbv or Mnemonic.Rdtsc or Mnemonic.Rdtscp or Mnemonic.Rdpid or Mnemonic.Rdrand or Mnemonic.Rdseed or Mnemonic.Rdfsbase or Mnemonic.Rdgsbase or Mnemonic.Wrfsbase or Mnemonic.Wrgsbase or Mnemonic.Rdpmc or Mnemonic.Sysenter or Mnemonic.Sgdt or Mnemonic.Sldt or Mnemonic.Str or Mnemonic.Smsw or Mnemonic.Int1 or Mnemonic.Ud0 or Mnemonic.Ud1 or Mnemonic.Ud2 or Mnemonic.Int3 or Mnemonic.Int
        or Mnemonic.In or Mnemonic.Out or Mnemonic.Insb or Mnemonic.Insw or Mnemonic.Insd or Mnemonic.Outsb or Mnemonic.Outsw or Mnemonic.Outsd or Mnemonic.Iretq or Mnemonic.Cli or Mnemonic.Sti or Mnemonic.Reservednop
        || c.IsJmpFarIndirect() || c.IsCallFarIndirect() || c.ToOpCode().IsPrivileged;

    /// <summary>Every encoding that has a row.</summary>
    public static IEnumerable<Code> Codes() => Enum.GetValues<Code>().Where(c =>
        c.ToOpCode() is { IsInstruction: true, Mode64: true } && Rules.All[c.Mnemonic()] != null && !IsOutside(c)
        && c.Encoding() is EncodingKind.Legacy or EncodingKind.VEX);

    /// <summary>Those of them that this CPU can be asked about.</summary>
    public static IEnumerable<Code> OnThisCpu() => Codes().Where(HostCpu.Has);

    /// <summary>An instruction of encoding <paramref name="code"/> as decoded at <see cref="HostMemory.Slot"/>, with its bytes; null where it cannot be encoded or is not tried.</summary>
    public (Instruction Instruction, byte[] Bytes)? Make(Code code, bool memory)
    {
        var opcode = code.ToOpCode();
        var i = new Instruction { Code = code };
        for (int n = 0; n < opcode.OpCount; n++)
            if (!Operand(ref i, n, opcode.GetOpKind(n), memory)) return null;
        if (i.IsVsib) i.Op2Register += (i.Op0Register.GetNumber() + 9) % 16 - i.Op2Register.GetNumber();
        if (memory && opcode.CanUseLockPrefix && i.Op0Kind == OpKind.Memory) i.HasLockPrefix = random.Next(2) == 0;
        if (opcode.CanUseRepPrefix || opcode.CanUseRepnePrefix) Repeat(ref i, opcode);
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

    void Repeat(ref Instruction i, OpCodeInfo opcode)
    {
        switch (random.Next(3))
        {
            case 1: i.HasRepePrefix = true; break;
            case 2 when opcode.CanUseRepnePrefix: i.HasRepnePrefix = true; break;
        }
    }

    bool Operand(ref Instruction i, int n, OpCodeOperandKind kind, bool memory)
    {
        string name = kind.ToString();
        if (name is "mem" or "mem_offs" || name.EndsWith("_or_mem", StringComparison.Ordinal) && memory)
        {
            if (!memory && name == "mem_offs") return false;
            i.SetOpKind(n, OpKind.Memory);
            Address(ref i);
            return name != "mem_offs";
        }
        if (memory && name.EndsWith("_or_mem", StringComparison.Ordinal)) return false;
        if (name.StartsWith("mem_vsib", StringComparison.Ordinal)) { i.SetOpKind(n, OpKind.Memory); Vector(ref i, name[^1]); return memory; }
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
        _ => null,
    };

    /// <summary>A general register other than rsp mostly, any xmm, or st0 ... st5 (the others are kept free for pushes).</summary>
    Register? AnyOf(string name)
    {
        int n = random.Next(16) is var k && k == 4 && random.Next(4) != 0 ? 3 : k;
        return name.Split('_')[0] switch
        {
            "r8" => random.Next(2) == 0 ? Register.AL + random.Next(8) : new[] { Register.R8L, Register.R15L, Register.SIL, Register.AL }[random.Next(4)],
            "r16" => Register.AX + n,
            "r32" => Register.EAX + n,
            "r64" => Register.RAX + n,
            "xmm" => Register.XMM0 + random.Next(16),
            "ymm" => Register.YMM0 + random.Next(16),
            "mm" => Register.MM0 + random.Next(8),
            "sti" => Register.ST0 + random.Next(6),
            _ => null,
        };
    }

    /// <summary>A gather's address. Destination, index and mask must be three registers (Intel SDM vol. 2, VPGATHERDD).</summary>
    void Vector(ref Instruction i, char width)
    {
        i.MemoryBase = bases[random.Next(bases.Length)];
        i.MemoryIndex = (width == 'x' ? Register.XMM0 : Register.YMM0) + (i.Op0Register.GetNumber() + 5) % 16;
        i.MemoryIndexScale = 1 << random.Next(4);
        i.MemoryDisplacement64 = (ulong)random.Next(-100, 100);
        i.MemoryDisplSize = 1;
    }

    void Address(ref Instruction i)
    {
        // xsave and its like have a mask in edx:eax.
        var bases = i.Code.ToString()[0] == 'X' ? Samples.bases[3..] : Samples.bases;
        i.MemoryBase = bases[random.Next(bases.Length)];
        i.MemoryIndexScale = 1;
        switch (random.Next(6))
        {
            case 0: i.MemoryDisplacement64 = (ulong)random.Next(-100, 100); i.MemoryDisplSize = 1; break;
            case 1: i.MemoryDisplacement64 = (ulong)random.Next(-10000, 10000); i.MemoryDisplSize = 4; break;
            case 2:
                do i.MemoryIndex = bases[random.Next(bases.Length)]; while (i.MemoryIndex == i.MemoryBase);
                i.MemoryIndexScale = 1 << random.Next(4);
                i.MemoryDisplacement64 = (ulong)random.Next(-100, 100);
                i.MemoryDisplSize = 1;
                break;
            case 3: i.MemoryBase = Register.RIP; i.MemoryDisplacement64 = HostMemory.Scratch + 0x2000 + (ulong)random.Next(4) * 64; i.MemoryDisplSize = 8; break;
            case 4: i.MemoryBase = Register.None; i.MemoryDisplacement64 = HostMemory.Scratch + 0x2000 + (ulong)random.Next(4) * 64; i.MemoryDisplSize = 4; break;
        }
    }

    static readonly ulong[] edges = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff, ulong.MaxValue];

    bool Immediate(ref Instruction i, int n, string name)
    {
        ulong v = random.Next(2) == 0 ? edges[random.Next(edges.Length)] : (ulong)random.NextInt64();
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
        OpKind? kind = name switch
        {
            "seg_rSI" => OpKind.MemorySegRSI,
            "es_rDI" => OpKind.MemoryESRDI,
            "seg_rDI" => OpKind.MemorySegRDI,
            _ => null,
        };
        if (name == "seg_rBX_al") { i.SetOpKind(n, OpKind.Memory); (i.MemoryBase, i.MemoryIndex, i.MemoryIndexScale) = (Register.RBX, Register.AL, 1); return true; }
        if (kind is not { } k) return false;
        i.SetOpKind(n, k);
        return true;
    }

    static bool Branch(ref Instruction i, int n, string name)
    {
        if (name is not ("br64_1" or "br64_4")) return false;
        i.SetOpKind(n, OpKind.NearBranch64);
        i.NearBranch64 = name == "br64_1" ? Hardware.Near : Hardware.Elsewhere;
        return true;
    }
}
