using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Translator.Discovery;

/// <summary>A comparison that holds on the path: Value lies in [Low, High].</summary>
internal readonly record struct Bound(Linear Value, long Low, long High);

/// <summary>How an instruction addressed memory, with the values its registers had.</summary>
internal readonly record struct Access(Instruction Instruction, Linear Base, Linear Index);

/// <summary>
/// Runs one path of instructions on symbolic values: enough of the ISA for the address computations and bounds checks that compilers put
/// before an indirect jump. Memory is tracked by address expression; stores elsewhere are assumed not to alias (results are verified
/// against the table's contents).
/// </summary>
internal sealed class PathRun(Image image, CodeMap map)
{
    const int Registers = 16;

    readonly Linear[] registers = new Linear[Registers];
    readonly Dictionary<(Linear Address, int Size), Linear> memory = [];
    (Linear Left, Linear Right, int Bits)? compared;

    public Values Values { get; } = new();

    public List<Bound> Bounds { get; } = [];

    /// <summary>The accesses behind load atoms.</summary>
    public Dictionary<int, Access> Accesses { get; } = [];

    /// <summary>Forgets everything; registers get their initial values.</summary>
    public void Start()
    {
        memory.Clear();
        Bounds.Clear();
        Accesses.Clear();
        compared = null;
        for (var r = 0; r < Registers; r++) registers[r] = Values.Of(new(AtomKind.Initial, default, (ulong)(Register.RAX + r), 0));
    }

    public Linear Get(Register register) => registers[register.GetFullRegister() - Register.RAX];

    /// <summary>The address can hold code.</summary>
    public bool IsCode(ulong address) => image.IsExecutable(address);

    /// <summary>The value of an operand, zero-extended.</summary>
    public Linear Read(in Instruction i, int operand) => i.GetOpKind(operand) switch
    {
        OpKind.Register => ReadRegister(i.GetOpRegister(operand)),
        OpKind.Memory => Load(i),
        OpKind.Immediate8 or OpKind.Immediate16 or OpKind.Immediate32 or OpKind.Immediate64 or OpKind.Immediate8to16 or OpKind.Immediate8to32
            or OpKind.Immediate8to64 or OpKind.Immediate32to64 => new(i.GetImmediate(operand)),
        _ => Values.Opaque(),
    };

    /// <summary>Notes what a conditional branch says about the last comparison.</summary>
    public void Assume(in Instruction branch, bool isTaken)
    {
        if (compared is not { } c) return;
        var code = isTaken ? branch.ConditionCode : Opposite(branch.ConditionCode);
        if (c.Right.IsConstant) AddBound(c.Left, code, c.Right.Constant, c.Bits);
        else if (c.Left.IsConstant) AddBound(c.Right, Swapped(code), c.Left.Constant, c.Bits);
    }

    public void Step(int index)
    {
        var i = map[index];
        var isComparison = i.Mnemonic is Mnemonic.Cmp or Mnemonic.Sub && i.OpCount == 2;
        (Linear, Linear, int)? comparison = isComparison ? (Read(i, 0), Read(i, 1), BitsOf(i, 0)) : null;
        Execute(i, index);
        if (i.RflagsModified != 0) compared = comparison;
    }

    void Execute(in Instruction i, int index)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Mov or Mnemonic.Movzx: Write(i, Read(i, 1)); break;
            case Mnemonic.Movsx or Mnemonic.Movsxd: Write(i, Values.Sext(Read(i, 1), BitsOf(i, 1))); break;
            case Mnemonic.Cdqe: Set(Register.RAX, Values.Sext(Get(Register.RAX), 32)); break;
            case Mnemonic.Cwde: Set(Register.RAX, Values.Zext(Values.Sext(Get(Register.RAX), 16), 32)); break;
            case Mnemonic.Lea: Write(i, Address(i)); break;
            case Mnemonic.Add: Write(i, Values.Add(Read(i, 0), Read(i, 1))); break;
            case Mnemonic.Sub: Write(i, Values.Add(Read(i, 0), Read(i, 1).Times(ulong.MaxValue))); break;
            case Mnemonic.Inc: Write(i, Read(i, 0).Plus(1)); break;
            case Mnemonic.Dec: Write(i, Read(i, 0).Plus(ulong.MaxValue)); break;
            case Mnemonic.Neg: Write(i, Read(i, 0).Times(ulong.MaxValue)); break;
            case Mnemonic.And when Read(i, 1) is { IsConstant: true } mask: Write(i, Values.Mask(Read(i, 0), mask.Constant & Ones(BitsOf(i, 0)))); break;
            case Mnemonic.Shl when Read(i, 1) is { IsConstant: true } count: Write(i, Read(i, 0).Times(1UL << (int)(count.Constant & 63))); break;
            case Mnemonic.Shr when Read(i, 1) is { IsConstant: true } count && BitsOf(i, 0) >= 32: Write(i, Values.Shift(Read(i, 0), (int)count.Constant & (BitsOf(i, 0) - 1), BitsOf(i, 0))); break;
            case Mnemonic.Xor when i is { Op0Kind: OpKind.Register, Op1Kind: OpKind.Register } && i.Op0Register == i.Op1Register: Write(i, default); break;
            case Mnemonic.Push: Push(Read(i, 0)); break;
            case Mnemonic.Pop when i.Op0Kind == OpKind.Register: Write(i, Pop()); break;
            case Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Nop or Mnemonic.Endbr64: break;
            default: ForgetWritten(i, index); break;
        }
    }

    void Push(Linear value)
    {
        Set(Register.RSP, Get(Register.RSP).Plus(unchecked((ulong)-8)));
        memory[(Get(Register.RSP), 8)] = value;
    }

    Linear Pop()
    {
        var value = memory.TryGetValue((Get(Register.RSP), 8), out var known) ? known : Values.Opaque();
        Set(Register.RSP, Get(Register.RSP).Plus(8));
        return value;
    }

    void ForgetWritten(in Instruction i, int index)
    {
        for (var (r, mask) = (0, map.Written(index)); mask != 0; r++, mask >>= 1)
            if ((mask & 1) != 0) registers[r] = Values.Opaque();
        if (i.Mnemonic != Mnemonic.Call && i.OpCount > 0 && i.Op0Kind == OpKind.Memory) memory[(Address(i), i.MemorySize.GetSize())] = Values.Opaque();
    }

    void Set(Register register, Linear value) => registers[register.GetFullRegister() - Register.RAX] = value;

    Linear ReadRegister(Register register)
    {
        if (!register.IsGPR()) return Values.Opaque();
        var isHighByte = register is Register.AH or Register.CH or Register.DH or Register.BH;
        return isHighByte ? Values.Zext(Values.Opaque(), 8) : Values.Zext(Get(register), register.GetSize() * 8);
    }

    void Write(in Instruction i, Linear value)
    {
        if (i.Op0Kind == OpKind.Memory) memory[(Address(i), i.MemorySize.GetSize())] = Values.Zext(value, BitsOf(i, 0));
        else if (i.Op0Kind == OpKind.Register && i.Op0Register.IsGPR()) WriteRegister(i.Op0Register, value);
    }

    void WriteRegister(Register register, Linear value)
    {
        if (register.IsGPR64()) Set(register, value);
        else if (register.IsGPR32()) Set(register, Values.Zext(value, 32));
        else if (register is Register.AH or Register.CH or Register.DH or Register.BH) Set(register, Values.Opaque());
        else Set(register, Values.OpaqueWithLow(value, register.GetSize() * 8));
    }

    Linear Address(in Instruction i)
    {
        if (i.IsIPRelativeMemoryOperand) return new(i.IPRelativeMemoryAddress);
        if (i.MemorySegment is Register.FS or Register.GS || i.MemoryBase != Register.None && !i.MemoryBase.IsGPR64() || i.IsVsib) return Values.Opaque();
        Linear address = new(i.MemoryDisplacement64);
        if (i.MemoryBase != Register.None) address = Values.Add(address, Get(i.MemoryBase));
        return i.MemoryIndex == Register.None ? address : Values.Add(address, Get(i.MemoryIndex).Times((ulong)i.MemoryIndexScale));
    }

    Linear Load(in Instruction i)
    {
        var (address, size) = (Address(i), i.MemorySize.GetSize());
        if (size is not (1 or 2 or 4 or 8)) return Values.Opaque();
        if (address.IsConstant && size == 8 && image.IsConstant(address.Constant) && image.TryReadU64(address.Constant, out var word)) return new(word);
        if (memory.TryGetValue((address, size), out var known)) return known;
        var value = Values.Of(new(AtomKind.Load, address, (ulong)size, Accesses.Count + 1));
        Accesses[value.Atom1] = new(i,
            i.MemoryBase.IsGPR64() ? Get(i.MemoryBase) : default, i.MemoryIndex.IsGPR64() ? Get(i.MemoryIndex) : default);
        return memory[(address, size)] = value;
    }

    void AddBound(Linear value, ConditionCode code, ulong limit, int bits)
    {
        limit &= Ones(bits);
        var number = (long)(limit << (64 - bits)) >> (64 - bits);
        var top = bits >= 64 ? long.MaxValue : (long)Ones(bits);
        Bound? bound = code switch
        {
            ConditionCode.be => new(value, 0, (long)limit),
            ConditionCode.b when limit > 0 => new(value, 0, (long)limit - 1),
            ConditionCode.a => new(value, (long)limit + 1, top),
            ConditionCode.ae => new(value, (long)limit, top),
            ConditionCode.e => new(value, number, number),
            ConditionCode.le => new(value, long.MinValue, number),
            ConditionCode.l => new(value, long.MinValue, number - 1),
            ConditionCode.g => new(value, number + 1, long.MaxValue),
            ConditionCode.ge => new(value, number, long.MaxValue),
            _ => null,
        };
        if (bound is { } b) Bounds.Add(b);
    }

    static ulong Ones(int bits) => bits >= 64 ? ulong.MaxValue : (1UL << bits) - 1;

    static int BitsOf(in Instruction i, int operand) =>
        8 * (i.GetOpKind(operand) == OpKind.Memory ? i.MemorySize.GetSize() : i.GetOpRegister(operand).GetSize());

    static ConditionCode Opposite(ConditionCode code) => code == ConditionCode.None ? code : (ConditionCode)((((int)code - 1) ^ 1) + 1);

    static ConditionCode Swapped(ConditionCode code) => code switch
    {
        ConditionCode.a => ConditionCode.b,
        ConditionCode.b => ConditionCode.a,
        ConditionCode.ae => ConditionCode.be,
        ConditionCode.be => ConditionCode.ae,
        ConditionCode.g => ConditionCode.l,
        ConditionCode.l => ConditionCode.g,
        ConditionCode.ge => ConditionCode.le,
        ConditionCode.le => ConditionCode.ge,
        _ => code,
    };
}
