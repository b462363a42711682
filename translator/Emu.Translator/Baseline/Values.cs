using Emu.Ir;
using Iced.Intel;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Baseline;

/// <summary>Where a value is: a host register, or bytes of the frame.</summary>
readonly record struct Home(int Register, int Offset, int Size)
{
    public bool IsThere => Size > 0;
    public bool IsRegister => IsThere && Register >= 0;
}

/// <summary>An operand of scalar code: a register, a number, or memory.</summary>
readonly record struct Operand(int Register, ulong Number, MemoryOperand Memory, int Bytes)
{
    public static Operand Of(int register) => new(register, 0, default, 0);
    public static Operand Constant(ulong number) => new(-1, number, default, 0);
    public static Operand In(MemoryOperand memory, int bytes) => new(-1, 0, memory, bytes);
    public bool IsRegister => Register >= 0;
    public bool IsConstant => Register < 0 && Bytes == 0;
}

/// <summary>Homes of a block's values. A value that fits 64 bits and is no vector is a scalar: in a register if one is free, zero-extended; all others are in the frame.</summary>
sealed class Values
{
    /// <summary>rax, rcx, rdx, rsi and rdi are for the code of one operation, r11 for what it calls; rbx and rbp are the caller's.</summary>
    static readonly int[] pool = [8, 9, 10, 12, 13, 14, 15];

    const int Never = -1;

    Home[] homes = [];
    int[] last = []; // the operation that uses a value last; both by the value's number, its place in the block
    readonly Stack<int> registers = new();
    readonly Stack<int>[] free = [new(), new(), new(), new()]; // of 8, 16, 32 and 64 bytes
    readonly List<Home> temporaries = [];
    Value? given; // its home is the result's now

    /// <summary>Bytes of the frame so far; its first ones hold the registers that are no guest's.</summary>
    public int FrameSize { get; private set; } = GuestState.LocalSize;

    public static bool IsScalar(IrType t) => !t.IsVector && t.Bits <= 64;

    /// <summary>Bytes of a value in the frame: a lane of a mask has one.</summary>
    public static int SizeOf(IrType t) => t.Lanes * LaneBytes(t);
    public static int LaneBytes(IrType t) => Math.Max(1, t.Bits / 8);

    /// <summary>Starts a block.</summary>
    public void Begin(Block b)
    {
        if (homes.Length < b.Code.Count) (homes, last) = (new Home[2 * b.Code.Count], new int[2 * b.Code.Count]);
        Array.Clear(homes, 0, b.Code.Count);
        Array.Fill(last, Never, 0, b.Code.Count);
        registers.Clear();
        for (int n = pool.Length; n-- > 0;) registers.Push(pool[n]);
        // Helpers are C: they keep no register that is handed out here.
        if (b.Code.Exists(i => i.Op == Op.Helper)) registers.Clear();
        // Instructions of the host may be made where their result is stored: what they take lives until the end.
        bool isKept = b.Code.Exists(i => i.Op == Op.Host);
        for (int n = 0; n < b.Code.Count; n++)
        {
            b.Code[n].Number = n;
            foreach (var a in b.Code[n].Args) if (a is Inst i) last[i.Number] = isKept ? b.Code.Count : n;
        }
    }

    public Home Of(Value v) => homes[((Inst)v).Number];

    /// <summary>A home for a result. It may be that of the first operand, where the operation is its last use.</summary>
    public Home Take(Inst i, int n)
    {
        var home = Reusable(i, n) ?? New(i.Type);
        return homes[i.Number] = home;
    }

    Home? Reusable(Inst i, int n)
    {
        if (i.Args.Length == 0 || i.Args[0] is not Inst a || !IsScalar(i.Type) || !IsScalar(a.Type) || last[a.Number] != n || homes[a.Number] is not { IsRegister: true } home) return null;
        for (int k = 1; k < i.Args.Length; k++) if (i.Args[k] == a) return null;
        given = a;
        return home;
    }

    Home New(IrType t) => IsScalar(t) && registers.TryPop(out int r) ? new(r, 0, 8) : InFrame(IsScalar(t) ? 8 : SizeOf(t));

    Home InFrame(int size)
    {
        int kind = size <= 8 ? 0 : size <= 16 ? 1 : size <= 32 ? 2 : 3;
        size = Math.Max(size, 8 << kind);
        if (size == 8 << kind && free[kind].TryPop(out int offset)) return new(-1, offset, size);
        FrameSize += size;
        return new(-1, FrameSize - size, size);
    }

    /// <summary>Frame memory until the operation's end.</summary>
    public int Temporary(int size)
    {
        var home = InFrame(size);
        temporaries.Add(home);
        return home.Offset;
    }

    /// <summary>Gives back what operation <paramref name="n"/> was the last to use.</summary>
    public void Release(Inst i, int n)
    {
        foreach (var a in i.Args)
            if (a is Inst { Number: var v } && last[v] == n)
            {
                if (a != given) Free(homes[v]);
                homes[v] = default;
            }
        given = null;
        if (i.HasResult && last[i.Number] == Never) Free(homes[i.Number]);
        foreach (var t in temporaries) Free(t);
        temporaries.Clear();
    }

    void Free(Home home)
    {
        if (!home.IsThere) return;
        if (home.IsRegister) registers.Push(home.Register);
        else if (home.Size <= 64) free[System.Numerics.BitOperations.Log2((uint)home.Size) - 3].Push(home.Offset);
    }
}
