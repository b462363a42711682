using System.Numerics;
using Emu.Ir;
using Iced.Intel;
using Lifter = Emu.Translator.X86.Lift;

namespace Emu.Tests.Lift;

/// <summary>Random states, full of edge values; most are such that an instruction's accesses and jumps are good.</summary>
sealed class Inputs(Dice dice)
{
    const int Window = 0x400;

    /// <summary>Fills a machine for one instruction, or for a block whose pointers are <paramref name="pointers"/>.</summary>
    public void Fill(Machine m, in Instruction i)
    {
        Fill(m);
        Aim(m, i);
    }

    /// <summary>Registers and the middle of memory without any aim.</summary>
    public void Fill(Machine m)
    {
        var middle = m.Memory.AsSpan(m.Memory.Length / 2 - Window / 2, Window);
        for (int at = 0; at < Window; at += 16) Edges.Vector(dice).CopyTo(middle[at..]);
        Fill(m.State);
        m.State["rsp"] = Machine.Middle + 0x800 + (ulong)(dice.OneIn(8) ? dice.Next(16) : 0);
    }

    /// <summary>The same noise in every run: what lines of tests/lift do not say.</summary>
    public static Machine Noise()
    {
        var m = new Machine();
        var dice = new Dice(1);
        dice.NextBytes(m.Memory);
        new Inputs(dice).Fill(m);
        return m;
    }

    void Fill(State s)
    {
        foreach (var name in GuestState.Gprs) s[name] = Edges.Integer(dice);
        for (int n = 0; n < 32; n++) Edges.Vector(dice).CopyTo(s.Bytes.AsSpan(GuestState.Vectors + 16 * n));
        s.Flags = (Flag)dice.Next(64);
        (s["df"], s["ftop"]) = ((ulong)dice.Next(2), (ulong)dice.Next(8));
        (s["fsbase"], s["gsbase"]) = (16 * (ulong)dice.Next(256), 16 * (ulong)dice.Next(256));
        // st0 ... st5 are in use, and two registers are free for pushes: but sometimes any are, for overflow and underflow.
        s["ftag"] = dice.OneIn(4) ? (ulong)dice.Next(256) : 0x3f3ful << (int)s["ftop"] >> 8 & 0xff | 0x3ful << (int)s["ftop"] & 0xff;
        for (int n = 0; n < 8; n++) Edges.Extended(dice).CopyTo(s.Bytes.AsSpan(GuestState.X87 + 16 * n));
        s["fsw"] = (ulong)dice.Next(0x10000) & 0x477f;
        s["mxcsr"] = Mxcsr();
        s["fcw"] = ControlWord();
    }

    /// <summary>Every exception masked, mostly; a rounding mode, DAZ and FTZ, sometimes.</summary>
    uint Mxcsr() => Masks() << 7 | (dice.OneIn(2) ? (uint)dice.Next(4) << 13 : 0) | (dice.OneIn(8) ? 0x8000u : 0) | (dice.OneIn(8) ? 0x40u : 0) | (uint)dice.Next(64);

    /// <summary>Every exception masked, mostly; a rounding mode and a precision, sometimes.</summary>
    ulong ControlWord() => 0x40 | Masks() | (dice.OneIn(8) ? new[] { 0ul, 0x200ul }[dice.Next(2)] : 0x300) | (dice.OneIn(2) ? (ulong)dice.Next(4) << 10 : 0);

    uint Masks() => dice.OneIn(16) ? (uint)dice.Next(64) : 0x3f;

    void Aim(Machine m, in Instruction i)
    {
        var s = m.State;
        if (i.IsStringInstruction || i.Mnemonic is Mnemonic.Leave or Mnemonic.Enter or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu or Mnemonic.Maskmovq or Mnemonic.Xlatb)
            foreach (var name in new[] { "rsi", "rdi", "rbp", "rbx" }) s[name] = Target() - SegmentBase(s, i);
        // Whether a masked byte faults is left to the CPU (Intel SDM vol. 2, MASKMOVDQU).
        if (i.Mnemonic is Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu or Mnemonic.Maskmovq) s["rdi"] = Machine.Middle - (ulong)dice.Next(64) - SegmentBase(s, i);
        if (i.IsStringInstruction && (i.HasRepePrefix || i.HasRepnePrefix)) s["rcx"] = dice.OneIn(50) ? Edges.Integer(dice) : (ulong)dice.Next(5);
        if (i.Mnemonic is Mnemonic.Retf or Mnemonic.Iretd or Mnemonic.Iretq) FarFrame(m, s["rsp"], i.Code is Code.Retfd or Code.Retfd_imm16 or Code.Iretd ? 4 : 8);
        if (i.Mnemonic == Mnemonic.Mov && i.Op0Register.IsSegmentRegister() && i.Op1Kind == OpKind.Register) s[Lifter.Full(i.Op1Register)] = Selector(i.Op0Register);
        if (i.Mnemonic is Mnemonic.Ret) Put(m, s["rsp"], Machine.Elsewhere);
        if (i.Mnemonic is Mnemonic.Popf or Mnemonic.Popfq) Put(m, s["rsp"], (ulong)dice.Next(0x10000) & 0xcd5 | 0x202);
        if (i.Mnemonic is Mnemonic.Div or Mnemonic.Idiv && !dice.OneIn(4)) s["rdx"] = dice.OneIn(2) ? 0 : (ulong)((long)s["rax"] >> 63);
        bool indirect = i.FlowControl is FlowControl.IndirectBranch or FlowControl.IndirectCall;
        if (indirect && i.Op0Kind == OpKind.Register) s[Lifter.Full(i.Op0Register)] = Machine.Elsewhere;
        if (i.MemorySize is MemorySize.Xsave or MemorySize.Xsave64) (s["rax"], s["rdx"]) = ((ulong)dice.Next(8), 0);
        if (i.Mnemonic is Mnemonic.Wrfsbase or Mnemonic.Wrgsbase) s[Lifter.Full(i.Op0Register)] &= 0x7fff_ffff_ffff;
        if (IsBitString(i)) s[Lifter.Full(i.Op1Register)] = (ulong)dice.Next(-1000, 1000);
        if (MemoryOperand(i) is not { } op || i.Mnemonic == Mnemonic.Xlatb) return;
        Point(s, i);
        if (i.VsibIndex() is { } lanes) Scatter(s, i, lanes);
        ulong address = i.GetVirtualAddress(op, 0, (r, _, _) => r switch { Register.FS => s["fsbase"], Register.GS => s["gsbase"], _ when r.IsSegmentRegister() => 0, _ when r.IsVectorRegister() => 0, _ => Part(s, r) });
        bool far = i.IsJmpFarIndirect || i.IsCallFarIndirect;
        if (indirect) Put(m, address, Machine.Elsewhere, far ? 4 : 8);
        if (far) Put(m, address + 4, Selector(Register.CS), 2);
        if (i.Mnemonic == Mnemonic.Lss) Put(m, address + (ulong)i.MemorySize.GetSize() - 2, Selector(Register.SS), 2);
        if (i.Mnemonic == Mnemonic.Mov && i.Op0Register.IsSegmentRegister()) Put(m, address, Selector(i.Op0Register), 2);
        if (!indirect) Environment(m, i.Mnemonic, address);
    }

    /// <summary>What the register holds, mostly; for fs and gs, and sometimes for others, one that no process has.</summary>
    ulong Selector(Register r) => r is Register.FS or Register.GS || dice.OneIn(8) ? 0xffff : r switch { Register.CS => 0x33, Register.SS => 0x2bu, _ => 0 };

    /// <summary>What retf takes from the stack, and above it what iret takes.</summary>
    void FarFrame(Machine m, ulong at, int size)
    {
        foreach (var (n, word) in new[] { Machine.Elsewhere, Selector(Register.CS), (ulong)dice.Next(0x10000) & 0xcd5 | 0x202, Machine.Middle, Selector(Register.SS) }.Index()) Put(m, at + (ulong)(n * size), word, size);
    }

    static int? MemoryOperand(in Instruction i)
    {
        for (int n = 0; n < i.OpCount; n++) if (i.GetOpKind(n) == OpKind.Memory) return n;
        return null;
    }

    static ulong Part(State s, Register r) => r.IsGPR32() ? (uint)s[Lifter.Full(r)] : s[Lifter.Full(r)];

    static ulong SegmentBase(State s, in Instruction i) => i.MemorySegment switch { Register.FS => s["fsbase"], Register.GS => s["gsbase"], _ => 0 };

    /// <summary>Where an operand lies: mostly aligned, seldom across the two pages, at memory's end or nowhere.</summary>
    ulong Target() => dice.Next(64) switch
    {
        < 40 => Machine.Middle + (ulong)dice.Next(8) * 32,
        < 56 => Machine.Middle + (ulong)dice.Next(256),
        < 60 => Machine.Middle - (ulong)dice.Next(32),
        < 62 => HostMemory.Scratch + HostMemory.ScratchSize - (ulong)dice.Next(64),
        62 => HostMemory.Scratch - (ulong)dice.Next(16),
        _ => Nowhere + (ulong)dice.Next((int)Nowhere) + (dice.OneIn(2) ? (ulong)dice.Next() << 33 : 0),
    };

    /// <summary>From here to twice as far nothing is mapped; an address of 32 bits is as bad.</summary>
    const ulong Nowhere = 0x2000_0000;

    /// <summary>A register index reaches memory far from the operand.</summary>
    static bool IsBitString(in Instruction i) => i.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc && i.Op0Kind == OpKind.Memory && i.Op1Kind == OpKind.Register;

    /// <summary>Chooses base and index so that the operand lies at a target. An address of 32 bits leaves noise above it.</summary>
    void Point(State s, in Instruction i)
    {
        if (i.MemoryBase == Register.RIP || i.MemoryBase == Register.None && i.MemoryIndex == Register.None) return;
        ulong at = (i.NeedsAlignment() && !dice.OneIn(16) ? Target() & ~63ul : Target()) - SegmentBase(s, i) - i.MemoryDisplacement64, scale = (ulong)i.MemoryIndexScale;
        bool indexed = i.MemoryIndex != Register.None && !i.MemoryIndex.IsVectorRegister();
        if (i.MemoryBase == Register.None && indexed) Set(i.MemoryIndex, at / scale); // as near as the scale allows
        else if (indexed && i.MemoryIndex == i.MemoryBase) Set(i.MemoryBase, at / (scale + 1));
        else
        {
            ulong index = (ulong)dice.Next(4) * 32;
            if (indexed) Set(i.MemoryIndex, index);
            if (i.MemoryBase != Register.None) Set(i.MemoryBase, indexed ? at - index * scale : at);
        }

        void Set(Register r, ulong v) => s[Lifter.Full(r)] = r.IsGPR32() ? (uint)v | (ulong)dice.Next() << 32 : v;
    }

    /// <summary>Lanes of a vector index: near by, seldom nowhere.</summary>
    void Scatter(State s, in Instruction i, int laneSize)
    {
        var index = s.Bytes.AsSpan(GuestState.Offset(Lifter.Full(i.MemoryIndex)), 32);
        for (int n = 0; n < 32; n += laneSize)
        {
            long lane = dice.OneIn(100) ? (long)((Nowhere - HostMemory.Scratch + (ulong)dice.Next(0x100_0000)) / (ulong)i.MemoryIndexScale) : dice.Next(-32, 32);
            BitConverter.GetBytes(lane).AsSpan(0, laneSize).CopyTo(index[n..]);
        }
    }

    /// <summary>Control words that mask every exception, where an instruction is going to load them.</summary>
    void Environment(Machine m, Mnemonic mnemonic, ulong address)
    {
        ulong control = ControlWord(), status = (ulong)dice.Next(0x10000) & 0x7f3f;
        if (mnemonic is Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr) Put(m, address, Mxcsr() | (uint)dice.Next(64), 4);
        if (mnemonic == Mnemonic.Fldcw) Put(m, address, control, 2);
        if (mnemonic is Mnemonic.Fxrstor or Mnemonic.Fxrstor64)
        {
            Put(m, address, control | status << 16, 4);
            Put(m, address + 24, Mxcsr() | (uint)dice.Next(64), 4);
        }
        if (mnemonic is Mnemonic.Xrstor or Mnemonic.Xrstor64)
        {
            // A header with any of the three components (Intel SDM vol. 1, 13.4.2).
            Put(m, address, control | status << 16, 4);
            Put(m, address + 24, Mxcsr(), 4);
            for (ulong at = 512; at < 576; at += 8) Put(m, address + at, at == 512 ? (ulong)dice.Next(8) : at == 520 && dice.OneIn(2) ? 1ul << 63 | 7 : 0);
        }
        if (mnemonic is not (Mnemonic.Fldenv or Mnemonic.Frstor)) return;
        Put(m, address, control, 4);
        Put(m, address + 4, status, 4);
        Put(m, address + 8, (ulong)dice.Next(0x10000), 4);
    }

    static void Put(Machine m, ulong address, ulong value, int bytes = 8)
    {
        try { m.Store(address, BitConverter.GetBytes(value).AsSpan(0, bytes)); }
        catch (GuestFault) { } // the access will fault as well
    }
}

/// <summary>Values at which arithmetic changes its mind.</summary>
static class Edges
{
    static readonly ulong[] integers = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, long.MaxValue, 1ul << 63, ulong.MaxValue];
    static readonly double[] numbers = [0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, 1e10, -1e10, 3e9, -3e9, 1e19, -1e19, 1e300, 1e-300, 5e-324, 1e38, 4e38, 1e-38, 1e-45, Math.PI, double.MaxValue, double.PositiveInfinity, double.NegativeInfinity, double.NaN];

    public static ulong Integer(Random r) => r.Next(3) switch { 0 => integers[r.Next(integers.Length)], 1 => (ulong)r.NextInt64(long.MinValue, long.MaxValue), _ => (ulong)r.Next(-300, 300) };

    static double Number(Random r) => r.Next(3) switch { 0 => numbers[r.Next(numbers.Length)], 1 => r.Next(-1000, 1000), _ => (r.NextDouble() - 0.5) * Math.Pow(10, r.Next(-30, 30)) };

    /// <summary>16 bytes: floats of either width, integers of every width, a text, or noise.</summary>
    public static byte[] Vector(Random r)
    {
        var v = new byte[16];
        int kind = r.Next(9);
        if (kind == 0) r.NextBytes(v);
        for (int n = 0; n < 16; n++) if (kind == 1) v[n] = (byte)"abAB\0z"[r.Next(6)];
        for (int n = 0; n < 4; n++) if (kind is 2 or 3) BitConverter.TryWriteBytes(v.AsSpan(4 * n), Special(r, (float)Number(r)));
        for (int n = 0; n < 2; n++) if (kind is 4 or 5) BitConverter.TryWriteBytes(v.AsSpan(8 * n), Special(r, Number(r)));
        if (kind == 8) Extended(r).CopyTo(v, 0);
        int width = 1 << r.Next(4);
        for (int n = 0; n < 16; n += width) if (kind is 6 or 7) BitConverter.GetBytes(Integer(r)).AsSpan(0, width).CopyTo(v.AsSpan(n));
        return v;
    }

    /// <summary>Sometimes a NaN with a payload, signalling or not, or a denormal instead.</summary>
    static uint Special(Random r, float f) => r.Next(32) switch
    {
        0 or 1 => 0x7f800001u + (uint)r.Next(1000) | (uint)r.Next(2) << 31,
        2 => 0x7fc00000u + (uint)r.Next(1000) | (uint)r.Next(2) << 31,
        3 => (uint)r.Next(0x800000) | (uint)r.Next(2) << 31,
        _ => BitConverter.SingleToUInt32Bits(f),
    };

    static ulong Special(Random r, double d) => r.Next(32) switch
    {
        0 or 1 => 0x7ff0000000000001ul + (ulong)r.Next(1000) | (ulong)r.Next(2) << 63,
        2 => 0x7ff8000000000000ul + (ulong)r.Next(1000) | (ulong)r.Next(2) << 63,
        3 => (ulong)r.NextInt64(1L << 52) | (ulong)r.Next(2) << 63,
        _ => BitConverter.DoubleToUInt64Bits(d),
    };

    /// <summary>10 bytes: an x87 number of any class.</summary>
    public static byte[] Extended(Random r)
    {
        var bytes = Widen(Number(r));
        if (r.Next(8) == 0) { r.NextBytes(bytes); return bytes; } // unnormal, pseudo-denormal, pseudo-infinity, NaN
        bool normal = bytes[8] != 0 && (bytes[8] | bytes[9] << 8 & 0x7fff) != 0x7fff;
        if (r.Next(4) == 0 && normal) r.NextBytes(bytes.AsSpan(0, 7));
        return bytes;
    }

    /// <summary>A double as the x87 holds it.</summary>
    public static byte[] Widen(double d)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(d), sign = bits >> 63 << 15, exponent = bits >> 52 & 0x7ff, fraction = bits << 12 >> 1 | 1ul << 63;
        if (exponent == 0) fraction = bits << 12 >> 1; // a denormal's own scale is lost: it becomes a smaller one
        else exponent = exponent == 0x7ff ? 0x7fff : exponent + 0x3fff - 1023;
        return [.. BitConverter.GetBytes(fraction), .. BitConverter.GetBytes((ushort)(sign | exponent))];
    }
}
