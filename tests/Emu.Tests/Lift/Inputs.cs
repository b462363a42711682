using Emu.Ir;
using Iced.Intel;
using Lifter = Emu.Translator.X86.Lift;

namespace Emu.Tests.Lift;

/// <summary>Random states, full of edge values, in which an instruction's accesses and jumps are good.</summary>
static class Inputs
{
    public static Machine For(Random random, in Instruction i)
    {
        var m = new Machine();
        Fill(m.State, m.Memory, random);
        Aim(m, random, i);
        return m;
    }

    /// <summary>Registers and memory without any aim.</summary>
    public static Machine Noise(Random random)
    {
        var m = new Machine();
        Fill(m.State, m.Memory, random);
        return m;
    }

    static void Fill(State s, byte[] memory, Random random)
    {
        random.NextBytes(memory);
        for (int n = 0; n < 64; n++) Edges.Vector(random).CopyTo(memory.AsSpan(0x1e00 + 16 * n));
        random.NextBytes(s.Bytes);
        foreach (var name in GuestState.Gprs) s[name] = Edges.Integer(random);
        for (int n = 0; n < 32; n++) Edges.Vector(random).CopyTo(s.Bytes.AsSpan(GuestState.Vectors + 16 * n));
        s.Flags = (Flag)random.Next(64);
        (s["df"], s["ftop"]) = ((ulong)random.Next(2), (ulong)random.Next(8));
        // st0 ... st5 are in use, and two registers are free for pushes: but sometimes any are, for overflow and underflow.
        s["ftag"] = random.Next(4) == 0 ? (ulong)random.Next(256) : 0x3f3ful << (int)s["ftop"] >> 8 & 0xff | 0x3ful << (int)s["ftop"] & 0xff;
        for (int n = 0; n < 8; n++) Edges.Extended(random).CopyTo(s.Bytes.AsSpan(GuestState.X87 + 16 * n));
        s["fsw"] = (ulong)random.Next(0x10000) & 0x477f;
        int rounding = random.Next(8) is var k && k < 4 ? k : 0;
        uint toZero = ((uint[])[0, 0, 0, 0x8000, 0x40, 0x8040])[random.Next(6)];
        s["mxcsr"] = 0x1f80u | (uint)rounding << 13 | toZero | (uint)random.Next(64);
        s["fcw"] = 0x7fu | ((uint[])[0x300, 0x300, 0x200, 0])[random.Next(4)] | (uint)rounding << 10;
    }

    static void Aim(Machine m, Random random, in Instruction i)
    {
        var s = m.State;
        s["rsp"] = Machine.Middle + 0x800;
        if (i.IsStringInstruction || i.Mnemonic is Mnemonic.Leave or Mnemonic.Enter or Mnemonic.Maskmovdqu or Mnemonic.Maskmovq or Mnemonic.Vmaskmovdqu or Mnemonic.Xlatb)
            foreach (var name in new[] { "rsi", "rdi", "rbp", "rbx" }) s[name] = Machine.Middle + (ulong)random.Next(64);
        if (i.MemorySize is MemorySize.Xsave or MemorySize.Xsave64) (s["rax"], s["rdx"]) = ((ulong)random.Next(8), 0);
        if (i.HasRepePrefix || i.HasRepnePrefix) s["rcx"] = (ulong)random.Next(5);
        if (i.Mnemonic is Mnemonic.Ret) Put(m, s["rsp"], Hardware.Elsewhere);
        if (i.Mnemonic is Mnemonic.Popf or Mnemonic.Popfq) Put(m, s["rsp"], (ulong)random.Next(0x10000) & 0xcd5 | 0x202);
        bool indirect = i.FlowControl is FlowControl.IndirectBranch or FlowControl.IndirectCall;
        if (indirect && i.Op0Kind == OpKind.Register) s[Lifter.Full(i.Op0Register)] = Hardware.Elsewhere;
        if (i.IsVsib) { Gather(m, random, i); return; }
        if (IsBitString(i)) s[Lifter.Full(i.Op1Register)] = (ulong)random.Next(-1000, 1000);
        if (i.Op0Kind != OpKind.Memory && i.Op1Kind != OpKind.Memory && i.OpCount < 3 || i.Mnemonic == Mnemonic.Xlatb) return;
        Point(s, random, i);
        int op = i.Op0Kind == OpKind.Memory ? 0 : 1;
        ulong address = i.GetVirtualAddress(op, 0, (r, _, _) => r.IsSegmentRegister() ? 0 : s[Lifter.Full(r)]);
        if (indirect) Put(m, address, Hardware.Elsewhere);
        else Environment(m, random, i.Mnemonic, address);
    }

    /// <summary>A register index reaches memory far from the operand.</summary>
    static bool IsBitString(in Instruction i) => i.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc && i.Op0Kind == OpKind.Memory && i.Op1Kind == OpKind.Register;

    /// <summary>Every lane's index is small, so that all lanes lie in the scratch memory.</summary>
    static void Gather(Machine m, Random random, in Instruction i)
    {
        m.State[Lifter.Full(i.MemoryBase)] = Machine.Middle;
        bool wide = i.Mnemonic.ToString().ToLowerInvariant().TrimStart('v').TrimStart('p')["gather".Length] == 'q';
        var index = m.State.Bytes.AsSpan(GuestState.Offset(Lifter.Full(i.MemoryIndex)), 32);
        for (int n = 0; n < 32; n += wide ? 8 : 4)
            if (wide) BitConverter.TryWriteBytes(index[n..], (long)random.Next(-100, 100));
            else BitConverter.TryWriteBytes(index[n..], random.Next(-100, 100));
    }

    /// <summary>Chooses base and index so that the operand lies at a 64-byte boundary in the middle of the scratch memory.</summary>
    static void Point(State s, Random random, in Instruction i)
    {
        if (i.MemoryBase is Register.None or Register.RIP) return;
        ulong at = Machine.Middle + (ulong)random.Next(4) * 64 - i.MemoryDisplacement64;
        if (i.MemoryIndex != Register.None)
        {
            ulong index = (ulong)random.Next(4) * 64;
            s[Lifter.Full(i.MemoryIndex)] = index;
            at -= index * (ulong)i.MemoryIndexScale;
        }
        s[Lifter.Full(i.MemoryBase)] = at;
    }

    /// <summary>Control words that mask every exception, where an instruction is going to load them.</summary>
    static void Environment(Machine m, Random random, Mnemonic mnemonic, ulong address)
    {
        ulong control = 0x37ful | (ulong)random.Next(4) << 10, status = (ulong)random.Next(0x10000) & 0x7f3f;
        if (mnemonic is Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr) Put(m, address, 0x1f80u | (uint)random.Next(4) << 13, 4);
        if (mnemonic is Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Xrstor or Mnemonic.Xrstor64) ExtendedState(m, random, address);
        if (mnemonic == Mnemonic.Fldcw) Put(m, address, control, 2);
        if (mnemonic is not (Mnemonic.Fldenv or Mnemonic.Frstor)) return;
        Put(m, address, control, 4);
        Put(m, address + 4, status, 4);
        Put(m, address + 8, (ulong)random.Next(0x10000), 4);
    }

    /// <summary>Control words that mask every exception, and a header with any of the three components (Intel SDM vol. 1, 13.4.2).</summary>
    static void ExtendedState(Machine m, Random random, ulong address)
    {
        Put(m, address, 0x37ful | (ulong)random.Next(4) << 10, 2);
        Put(m, address + 2, (ulong)random.Next(0x10000) & 0x7f3f, 2);
        Put(m, address + 24, 0x1f80u | (uint)random.Next(4) << 13, 4);
        for (ulong at = 512; at < 576; at += 8) Put(m, address + at, at == 512 ? (ulong)random.Next(8) : at == 520 && random.Next(2) == 0 ? 1ul << 63 | 7 : 0);
    }

    static void Put(Machine m, ulong address, ulong value, int bytes = 8) => m.Store(address, BitConverter.GetBytes(value).AsSpan(0, bytes));
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
        int kind = r.Next(8);
        if (kind == 0) r.NextBytes(v);
        for (int n = 0; n < 16; n++) if (kind == 1) v[n] = (byte)"abAB\0z"[r.Next(6)];
        for (int n = 0; n < 4; n++) if (kind is 2 or 3) BitConverter.TryWriteBytes(v.AsSpan(4 * n), Signalling(r, (float)Number(r)));
        for (int n = 0; n < 2; n++) if (kind is 4 or 5) BitConverter.TryWriteBytes(v.AsSpan(8 * n), Signalling(r, Number(r)));
        int width = 1 << r.Next(4);
        for (int n = 0; n < 16; n += width) if (kind > 5) BitConverter.GetBytes(Integer(r)).AsSpan(0, width).CopyTo(v.AsSpan(n));
        return v;
    }

    /// <summary>Sometimes a signalling NaN instead.</summary>
    static uint Signalling(Random r, float f) => r.Next(16) == 0 ? 0x7f800001u + (uint)r.Next(1000) : BitConverter.SingleToUInt32Bits(f);
    static ulong Signalling(Random r, double d) => r.Next(16) == 0 ? 0xfff0000000000001ul + (ulong)r.Next(1000) : BitConverter.DoubleToUInt64Bits(d);

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
