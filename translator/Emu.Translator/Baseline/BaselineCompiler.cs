using Emu.Ir;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;
using Iced.Intel;
using Block = Emu.Ir.Block;
using IrType = Emu.Ir.Type;
using Label = Emu.Ir.Label;

namespace Emu.Translator.Baseline;

/// <summary>A region's code, and what it needs where it is put.</summary>
/// <param name="Lines">Guest PCs by offset of their first byte of code, ascending.</param>
/// <param name="Cells">Counter cells: array and key.</param>
public sealed record BaselineCode(byte[] Text, IReadOnlyList<Reference> References, IReadOnlyList<(int Offset, ulong Pc)> Lines, IReadOnlyList<(int Array, ulong Key)> Cells);

/// <summary>An operation that only LLVM can translate.</summary>
public sealed class NoEncodingException(string operation) : Exception(operation);

/// <summary>
/// The first tier: IR to host code, operation by operation, in microseconds. All guest registers and flags are in the state struct between
/// operations; values are in host registers or the frame. Regions have the calling convention of <see cref="Abi"/> all the same (see
/// <see cref="BaselineStubs"/>), so that those of every tier call and jump to each other.
/// </summary>
public sealed partial class BaselineCompiler
{
    const int Rax = 0, Rcx = 1, Rdx = 2, Rsi = 6, Rdi = 7;

    readonly Function f;
    readonly Demand demand;
    readonly PluginData plugins;
    readonly HostCode code = new();
    readonly Values values = new();
    readonly Dictionary<Label, int> blocks = [];
    readonly List<(int Offset, ulong Pc)> lines = [];
    readonly List<(int Array, ulong Key)> cells = [];
    readonly List<int> frames = [];
    readonly Queue<Action> later = [];
    readonly bool counts;
    Block block = null!;
    Label? following;
    ulong pc;
    int at;

    BaselineCompiler(Function f, Demand demand, PluginData plugins, bool counts) => (this.f, this.demand, this.plugins, this.counts) = (f, demand, plugins, counts);

    /// <summary>The function's code; <see cref="NoEncodingException"/> when an operation has none.</summary>
    /// <param name="counts">Whether it counts how often it is entered and loops: regions that are to be promoted.</param>
    public static BaselineCode Compile(Function f, Demand demand, PluginData plugins, bool counts)
    {
        try { return new BaselineCompiler(f, demand, plugins, counts).Compile(); }
        catch (EncoderException e) { throw new NoEncodingException(e.Message); }
    }

    BaselineCode Compile()
    {
        foreach (var b in f.Blocks) blocks[b.Label] = code.NewLabel();
        Enter();
        for (int n = 0; n < f.Blocks.Count; n++)
        {
            following = n + 1 < f.Blocks.Count ? f.Blocks[n + 1].Label : null;
            Lower(f.Blocks[n]);
        }
        while (later.TryDequeue(out var rest)) rest();
        foreach (int offset in frames) code.Patch(offset, values.FrameSize);
        return new(code.Finish(), code.References, lines, cells);
    }

    void Lower(Block b)
    {
        block = b;
        values.Begin(b);
        folding = b.Code.Exists(i => i.Op == Op.Host) ? new(b) : null;
        code.Mark(blocks[b.Label]);
        for (at = 0; at < b.Code.Count; at++)
        {
            var i = b.Code[at];
            if (i.Op.Has(Effect.Ends)) Transfer(i);
            else Operation(i);
            values.Release(i, at);
        }
    }

    static NoEncodingException NoEncoding(Inst i) => new($"{i.Op.Name()}.{i.Printed}{(i.Detail is Detail.Named n ? $" {n.Name}" : "")}");

    void Operation(Inst i)
    {
        switch (i.Op)
        {
            case Op.Insn when i.Detail is Detail.Guest g: pc = g.Address; Row(); break;
            case Op.Get when i.Detail is Detail.Register { Reg: var r }: Load(i, Register(r)); break;
            case Op.Set when i.Detail is Detail.Register { Reg: var r }: Store(i.Args[0], Register(r)); break;
            case Op.Flags when i.Detail is Detail.FlagWrite w: WriteFlags(w, i.Printed, i); break;
            case Op.SetFlag when i.Detail is Detail.OneFlag o: Store(i.Args[0], FlagByte(o.Flag)); break;
            case Op.GetFlag when i.Detail is Detail.OneFlag o: Load(i, FlagByte(o.Flag)); break;
            case Op.Cond when i.Detail is Detail.Condition c: Scalar(i, d => Condition(d, c.Cc)); break;
            case Op.Rflags: Scalar(i, Rflags); break;
            case Op.Load: LoadGuest(i); break;
            case Op.Store: StoreGuest(i); break;
            case Op.Rmw: Exchange(i); break;
            case Op.CmpXchg: CompareExchange(i); break;
            case Op.Helper when i.Detail is Detail.Named n: CallHelper(n.Name); break;
            case Op.Rep when i.Detail is Detail.Named n: Repeat(n.Name); break;
            case Op.Count or Op.Append or Op.Call: PluginOperation(i); break;
            case Op.Native or Op.Host: HostInstruction(i); break;
            default: Pure(i); break;
        }
    }

    void Row()
    {
        if (lines.Count > 0 && lines[^1].Offset == code.Size) lines[^1] = (code.Size, pc);
        else lines.Add((code.Size, pc));
    }

    // --- Where things are ---

    /// <summary>A byte of the thread's state.</summary>
    static MemoryOperand State(int offset) => new(Iced.Intel.Register.None, Iced.Intel.Register.None, 1, offset, 8, false, Iced.Intel.Register.FS);

    static MemoryOperand Frame(int offset) => new(Iced.Intel.Register.RSP, offset, offset == 0 ? 0 : offset == (sbyte)offset ? 1 : 8);

    /// <summary>Where a symbol is: the displacement is its reference.</summary>
    static MemoryOperand Absolute(int offset = 0) => new(Iced.Intel.Register.None, offset, 8);

    static MemoryOperand Register(Reg r) => GuestState.Offset(r.Name) + r.Byte is >= 0 and var offset ? State(offset) : Frame(GuestState.LocalSize + GuestState.Offset(r.Name) + r.Byte);

    static MemoryOperand FlagByte(Flag flag) => State(GuestState.Flags + System.Numerics.BitOperations.TrailingZeroCount((int)flag));

    static Register R8(int n) => n < 4 ? Iced.Intel.Register.AL + n : Iced.Intel.Register.SPL + (n - 4);
    static Register R16(int n) => Iced.Intel.Register.AX + n;
    static Register R32(int n) => Iced.Intel.Register.EAX + n;
    static Register R64(int n) => Iced.Intel.Register.RAX + n;

    /// <summary>A scalar as an operand; what is in the frame is there with 64 bits.</summary>
    Operand Arg(Inst i, int n) => Arg(i.Args[n]);

    Operand Arg(Value v)
    {
        if (v is Const c) return Operand.Constant((ulong)c.Bits);
        var home = values.Of(v);
        return home.IsRegister ? Operand.Of(home.Register) : Operand.In(Frame(home.Offset), 8);
    }

    /// <summary>The value in a register: its own, or <paramref name="scratch"/>.</summary>
    int InRegister(Value v, int scratch)
    {
        var a = Arg(v);
        if (a.IsRegister) return a.Register;
        Move(scratch, a);
        return scratch;
    }

    /// <summary>The frame offset of a value that is no scalar; constants are put into a temporary.</summary>
    int Wide(Value v)
    {
        if (v is not Const c) return values.Of(v).Offset;
        int size = Values.SizeOf(v.Type), offset = values.Temporary(Math.Max(size, 8));
        if (v.Type.Bits < 8 && c.Bits != 0) throw new NoEncodingException($"constant.{v.Type}");
        for (int n = 0; n < size; n += 8)
        {
            ulong word = n < 16 ? (ulong)(c.Bits >> (8 * n)) : 0;
            StoreConstant(Frame(offset + n), word, Math.Min(8, size - n));
        }
        return offset;
    }

    /// <summary>Computes a scalar result in a register, and puts it where it belongs.</summary>
    void Scalar(Inst i, Action<int> compute)
    {
        var home = values.Take(i, at);
        int d = home.IsRegister ? home.Register : Rax;
        compute(d);
        if (!home.IsRegister) code.Add(Instruction.Create(Code.Mov_rm64_r64, Frame(home.Offset), R64(d)));
    }

    // --- Moves ---

    void Move(int d, Operand a)
    {
        if (a.IsRegister)
        {
            if (a.Register != d) code.OnRegisters(0x8b, d, a.Register, 64);
        }
        else if (a.IsConstant) Constant(d, a.Number);
        else LoadScalar(d, a.Memory, a.Bytes);
    }

    void Constant(int d, ulong number)
    {
        if (number <= uint.MaxValue) code.Add(Instruction.Create(Code.Mov_r32_imm32, R32(d), (uint)number));
        else if ((long)number == (int)number) code.Add(Instruction.Create(Code.Mov_rm64_imm32, R64(d), (int)number));
        else code.Add(Instruction.Create(Code.Mov_r64_imm64, R64(d), number));
    }

    static bool IsState(MemoryOperand m) => m.SegmentPrefix == Iced.Intel.Register.FS;

    /// <summary>Zero-extends.</summary>
    void LoadScalar(int d, MemoryOperand from, int bytes)
    {
        if (bytes is not (1 or 2 or 4 or 8)) throw new NoEncodingException($"a scalar of {bytes} bytes");
        if (IsState(from)) code.OnState(bytes switch { 1 => 0x1b6, 2 => 0x1b7, _ => 0x8b }, d, (int)from.Displacement, bytes == 8 ? 64 : 32);
        else
            code.Add(bytes switch
            {
                1 => Instruction.Create(Code.Movzx_r32_rm8, R32(d), from),
                2 => Instruction.Create(Code.Movzx_r32_rm16, R32(d), from),
                4 => Instruction.Create(Code.Mov_r32_rm32, R32(d), from),
                _ => Instruction.Create(Code.Mov_r64_rm64, R64(d), from),
            });
    }

    void StoreScalar(MemoryOperand to, int s, int bytes)
    {
        if (bytes is not (1 or 2 or 4 or 8)) throw new NoEncodingException($"a scalar of {bytes} bytes");
        if (IsState(to)) code.OnState(bytes == 1 ? 0x88 : 0x89, s, (int)to.Displacement, 8 * bytes);
        else code.Add(Instruction.Create(Code.Mov_rm8_r8 + SizeIndex(8 * bytes), to, Sized(s, 8 * bytes)));
    }

    void StoreConstant(MemoryOperand to, ulong number, int bytes)
    {
        if (bytes == 1) code.Add(Instruction.Create(Code.Mov_rm8_imm8, to, (uint)(byte)number));
        else if (bytes == 2) code.Add(Instruction.Create(Code.Mov_rm16_imm16, to, (uint)(ushort)number));
        else if (bytes == 4) code.Add(Instruction.Create(Code.Mov_rm32_imm32, to, (uint)number));
        else if ((long)number == (int)number) code.Add(Instruction.Create(Code.Mov_rm64_imm32, to, (int)number));
        else
        {
            Constant(Rsi, number);
            StoreScalar(to, Rsi, 8);
        }
    }

    /// <summary>Bytes from one place to another; 32, 16, 8, 4, 2 or 1 of them in one access.</summary>
    void Copy(Func<int, MemoryOperand> to, Func<int, MemoryOperand> from, int bytes, bool alignedLoad = false, bool alignedStore = false)
    {
        for (int n = 0, size; n < bytes; n += size)
        {
            size = bytes - n >= 32 ? 32 : bytes - n >= 16 ? 16 : bytes - n >= 8 ? 8 : bytes - n >= 4 ? 4 : bytes - n >= 2 ? 2 : 1;
            if (size < 16)
            {
                LoadScalar(Rax, from(n), size);
                StoreScalar(to(n), Rax, size);
                continue;
            }
            VectorLoad(size, 0, from(n), alignedLoad);
            VectorStore(size, to(n), 0, alignedStore);
        }
    }

    static Register Vector(int n, int bytes) => (bytes > 16 ? Iced.Intel.Register.YMM0 : Iced.Intel.Register.XMM0) + n;

    void VectorLoad(int bytes, int n, MemoryOperand from, bool aligned = false) => code.Add(Instruction.Create((bytes > 16, aligned) switch
    {
        (true, false) => Code.VEX_Vmovups_ymm_ymmm256,
        (true, true) => Code.VEX_Vmovaps_ymm_ymmm256,
        (false, false) => Code.VEX_Vmovups_xmm_xmmm128,
        _ => Code.VEX_Vmovaps_xmm_xmmm128,
    }, Vector(n, bytes), from));

    void VectorStore(int bytes, MemoryOperand to, int n, bool aligned = false) => code.Add(Instruction.Create((bytes > 16, aligned) switch
    {
        (true, false) => Code.VEX_Vmovups_ymmm256_ymm,
        (true, true) => Code.VEX_Vmovaps_ymmm256_ymm,
        (false, false) => Code.VEX_Vmovups_xmmm128_xmm,
        _ => Code.VEX_Vmovaps_xmmm128_xmm,
    }, to, Vector(n, bytes)));

    static MemoryOperand Beyond(MemoryOperand m, int n)
    {
        if (n == 0) return m;
        long at = m.Displacement + n;
        return m.Base == Iced.Intel.Register.None ? new(m.Base, m.Index, m.Scale, at, m.DisplSize, false, m.SegmentPrefix) : new(m.Base, m.Index, m.Scale, at, at == (sbyte)at ? 1 : 8, false, m.SegmentPrefix);
    }

    /// <summary>A result from memory that no fault can come from.</summary>
    void Load(Inst i, MemoryOperand from)
    {
        if (Values.IsScalar(i.Type)) Scalar(i, d => LoadScalar(d, from, i.Type.Bytes));
        else if (values.Take(i, at) is var home) Copy(n => Frame(home.Offset + n), n => Beyond(from, n), i.Type.Bytes);
    }

    void Store(Value v, MemoryOperand to)
    {
        if (!Values.IsScalar(v.Type))
        {
            int from = Wide(v);
            Copy(n => Beyond(to, n), n => Frame(from + n), v.Type.Bytes);
        }
        else if (v is Const c) StoreConstant(to, (ulong)c.Bits, v.Type.Bytes);
        else StoreScalar(to, InRegister(v, Rax), v.Type.Bytes);
    }
}
