using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.X86;

/// <summary>One guest instruction being lifted: reads and writes its operands, hides encodings from the rows.</summary>
public sealed class Lift(Emitter e, in Instruction instruction, bool explodeRep)
{
    readonly Instruction i = instruction;
    readonly V?[] addresses = new V?[5];

    public Emitter E => e;
    public ref readonly Instruction Instruction => ref i;

    /// <summary>Whether string instructions must be lifted element by element, because a pass watches their accesses.</summary>
    public bool ExplodeRep => explodeRep;

    /// <summary>Whether the immediate is to be read from memory.</summary>
    public bool IsPatched { get; init; }

    public ulong Next => i.NextIP;
    public ulong Target => i.NearBranchTarget;
    public Cc Cc => (Cc)((int)i.ConditionCode - 1);
    public bool IsVex => i.Encoding == EncodingKind.VEX;
    public bool IsMemory(int op) => i.GetOpKind(op) == OpKind.Memory;
    public bool IsRegister(int op) => i.GetOpKind(op) == OpKind.Register;

    /// <summary>xchg with memory locks without a prefix (Intel SDM vol. 3, 8.1.2.1).</summary>
    public bool Locked => IsMemory(0) && (i.HasLockPrefix || i.Mnemonic == Mnemonic.Xchg) || i.Mnemonic == Mnemonic.Xchg && IsMemory(1);
    public string? Segment => i.MemorySegment switch { Register.FS => "fs", Register.GS => "gs", _ => null };
    public byte Immediate => i.Immediate8;

    /// <summary>An operand's width in bits.</summary>
    public int Bits(int op) => i.GetOpKind(op) switch
    {
        OpKind.Register => i.GetOpRegister(op).GetSize() * 8,
        OpKind.Memory => i.MemorySize.GetSize() * 8,
        _ => Bits(0),
    };

    /// <summary>The integer type of an operand.</summary>
    public IrType Type(int op) => Int(Bits(op));

    public V Read(int op) => Read(op, Type(op));

    /// <summary>The low bytes of an operand as a value of type <paramref name="t"/>; memory is read in exactly that size.</summary>
    public V Read(int op, IrType t) => i.GetOpKind(op) switch
    {
        OpKind.Register => ReadRegister(i.GetOpRegister(op), t),
        OpKind.Memory => e.Load(t, Address(op), Segment, MustAlign(op, t)),
        _ when IsPatched && Patched.Immediate(i) is { } place => Patched.Read(e, place, t),
        _ => e.ConstBits(t, i.GetImmediate(op)),
    };

    /// <summary>Writes an operand; a 32-bit register write clears the upper half, others keep what they do not cover.</summary>
    public void Write(int op, V v)
    {
        if (IsMemory(op)) e.Store(Address(op), v, Segment, MustAlign(op, v.Type));
        else WriteRegister(i.GetOpRegister(op), v);
    }

    /// <summary>Goes on in another block, where the values of this one do not exist.</summary>
    public void Begin(Emu.Ir.Label label)
    {
        Array.Clear(addresses);
        e.Begin(label);
    }

    /// <summary>Whether a misaligned operand raises #GP; known addresses that are aligned need no check.</summary>
    bool MustAlign(int op, IrType t) => Alignment.IsChecked(i, t.Bytes) && !(Segment is null && Address(op).Value is Const { Bits: var at } && at % (uint)t.Bytes == 0);

    /// <summary>A memory operand's offset (without segment base); evaluated once, at first use.</summary>
    public V Address(int op) => addresses[op] ??= Evaluate();

    /// <summary>A memory operand's address with its segment base.</summary>
    public V Linear(int op) => Segment is { } s ? Address(op) + e.Get(I64, s + "base") : Address(op);

    V Evaluate()
    {
        if (i.IsIPRelativeMemoryOperand) return e.ConstBits(I64, i.IPRelativeMemoryAddress);
        bool narrow = i.MemoryBase.GetSize() == 4 || i.MemoryIndex.GetSize() == 4;
        IrType t = narrow ? I32 : I64;
        V? sum = i.MemoryBase == Register.None ? null : e.Get(t, Full(i.MemoryBase));
        if (i.MemoryIndex != Register.None)
        {
            V index = i.MemoryIndex == Register.AL ? e.Get(I8, "rax").Zext(t) : e.Get(t, Full(i.MemoryIndex));
            V scaled = index << System.Numerics.BitOperations.Log2((uint)i.MemoryIndexScale);
            sum = sum is { } b ? b + scaled : scaled;
        }
        V address = sum is { } s ? s + (long)i.MemoryDisplacement64 : e.ConstBits(t, i.MemoryDisplacement64);
        return address.Zext(I64);
    }

    public V ReadRegister(Register r, IrType t) => r.IsSegmentRegister() ? e.Const(t, Segments.Selector(r)) : e.Get(t, Full(r), High(r));

    public void WriteRegister(Register r, V v) => e.Set(Full(r), r.IsGPR32() ? v.Zext(I64) : v, High(r));

    // Vector rules, said once: SSE is destructive and keeps the bits above its own; VEX has two sources and clears them.
    public (V, V) Sources(IrType t) => IsVex ? (Read(1, t), Read(2, t)) : (Read(0, t), Read(1, t));

    /// <summary>Writes the vector register operand 0.</summary>
    public void WriteVector(V v)
    {
        string r = Full(i.GetOpRegister(0));
        e.Set(r, v);
        if (IsVex && v.Type.TotalBits <= 128) e.Set(r, e.Const(I128, 0), 16);
    }

    /// <summary>Sets a flag when <paramref name="condition"/> holds, and leaves it otherwise.</summary>
    public void SetFlagIf(V condition, Flag f, V v) => e.SetFlag(f, e.Select(condition, v, e.GetFlag(f)));

    public void Unsupported(string why = "unsupported") => e.Trap(Signal.Ill, $"{why} {i}");

    static int High(Register r) => r is Register.AH or Register.BH or Register.CH or Register.DH ? 1 : 0;

    /// <summary>The guest state's name of the register that holds <paramref name="r"/>.</summary>
    public static string Full(Register r) => r switch
    {
        _ when r.IsVectorRegister() => vectors[r.GetNumber()],
        >= Register.ST0 and <= Register.ST7 => stack[r - Register.ST0],
        _ => GuestState.Gprs[r.GetFullRegister() - Register.RAX],
    };

    static readonly string[] vectors = [.. Enumerable.Range(0, 32).Select(n => $"ymm{n}")];
    static readonly string[] stack = [.. Enumerable.Range(0, 8).Select(n => $"st{n}")];
}

/// <summary>Signals that instructions raise (signal(7), x86).</summary>
public static class Signal
{
    public const int Ill = 4, Trap = 5, Fpe = 8, Segv = 11;
}
