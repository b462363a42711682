using Emu.Ir;
using LLVMSharp.Interop;
using Type = Emu.Ir.Type;

namespace Emu.Translator.Lowering;

/// <summary>Operations that are not terminators.</summary>
public sealed partial class RegionLowering
{
    /// <summary>Lowers one operation; the result is null (handle 0) for one that has none.</summary>
    LLVMValueRef Operation(Inst i)
    {
        switch (i.Op)
        {
            case Op.Insn when i.Detail is Detail.Guest g: pc = g.Address; return default;
            case Op.Get when i.Detail is Detail.Register { Reg: var r }: return GetRegister(r, i.Type);
            case Op.Set when i.Detail is Detail.Register { Reg: var r }: SetRegister(r, i.Args[0].Type, Arg(i, 0)); return default;
            case Op.Flags when i.Detail is Detail.FlagWrite w: WriteFlags(w, i.Printed.Bits, Arg(i, 0), Arg(i, 1), Arg(i, 2)); return default;
            case Op.SetFlag when i.Detail is Detail.OneFlag f: Write(f.Flag, Arg(i, 0)); return default;
            case Op.GetFlag when i.Detail is Detail.OneFlag f: return Read(f.Flag);
            case Op.Cond when i.Detail is Detail.Condition c: return Condition(c.Cc);
            case Op.Rflags: return Rflags();
            case Op.Load: return folding.UserOf(i) is { } user ? LoadInto(user) : LoadGuest(i);
            case Op.Store: StoreGuest(i); return default;
            case Op.Rmw or Op.CmpXchg: return Atomic(i);
            case Op.Helper when i.Detail is Detail.Named n: CallHelper(n.Name); return default;
            case Op.Rep when i.Detail is Detail.Named n: Repeat(n.Name); return default;
            case Op.Count or Op.Append or Op.Call: PluginOperation(i); return default;
            case Op.Native or Op.Host: return HostInstruction(i);
            case Op.Div or Op.Idiv: return Divide(i);
            default: return Pure(i);
        }
    }

    LLVMValueRef Pure(Inst i)
    {
        var t = m.Type(i.Type);
        return i.Op switch
        {
            Op.Add or Op.Sub or Op.Mul or Op.And or Op.Or or Op.Xor or Op.Shl or Op.Shr or Op.Sar
                => m.Binary(Opcode(i.Op), Arg(i, 0), Arg(i, 1)),
            Op.Fshl or Op.Fshr or Op.Umin or Op.Umax or Op.Smin or Op.Smax or Op.Popcnt or Op.Bswap
                => m.Intrinsic(IntrinsicName(i.Op), t, [.. i.Args.Select((_, n) => Arg(i, n))]),
            Op.Ctlz or Op.Cttz => m.Intrinsic(IntrinsicName(i.Op), t, Arg(i, 0), m.Const(m.I1, 0)),
            Op.Icmp => m.Icmp(IntPredicate(i), Arg(i, 0), Arg(i, 1)),
            Op.Fcmp => m.Fcmp(RealPredicate(i), Arg(i, 0), Arg(i, 1)),
            Op.Select => m.Select(Arg(i, 0), Arg(i, 1), Arg(i, 2)),
            Op.Zext => m.Zext(Arg(i, 0), t),
            Op.Sext => m.Sext(Arg(i, 0), t),
            Op.Trunc => m.Trunc(Arg(i, 0), t),
            Op.Bits => m.Bits(Arg(i, 0), t),
            Op.Extract => m.ExtractElement(Arg(i, 0), Lane(i)),
            Op.Insert => m.InsertElement(Arg(i, 0), Arg(i, 1), Lane(i)),
            Op.Shuffle => Shuffle(i),
            _ => throw new InvalidOperationException($"no lowering for {i.Op}"),
        };
    }

    static int Lane(Inst i) => ((Detail.Lanes)i.Detail!).Numbers[0];

    /// <summary>A lane of -1 is zero: it is taken from a third operand that LLVM folds away.</summary>
    LLVMValueRef Shuffle(Inst i)
    {
        var lanes = ((Detail.Lanes)i.Detail!).Numbers;
        LLVMValueRef a = Arg(i, 0), b = Arg(i, 1), zero = m.Null(m.Type(i.Type));
        if (!lanes.Contains(-1)) return m.Shuffle(a, b, lanes);
        var picked = m.Shuffle(a, b, [.. lanes.Select(n => Math.Max(n, 0))]);
        return m.Shuffle(picked, zero, [.. lanes.Select((n, k) => n < 0 ? k + lanes.Count : k)]);
    }

    static LLVMOpcode Opcode(Op op) => op switch
    {
        Op.Add => LLVMOpcode.LLVMAdd,
        Op.Sub => LLVMOpcode.LLVMSub,
        Op.Mul => LLVMOpcode.LLVMMul,
        Op.And => LLVMOpcode.LLVMAnd,
        Op.Or => LLVMOpcode.LLVMOr,
        Op.Xor => LLVMOpcode.LLVMXor,
        Op.Shl => LLVMOpcode.LLVMShl,
        Op.Shr => LLVMOpcode.LLVMLShr,
        _ => LLVMOpcode.LLVMAShr,
    };

    static string IntrinsicName(Op op) => op switch
    {
        Op.Popcnt => "llvm.ctpop",
        _ => $"llvm.{op.Name()}",
    };

    static LLVMIntPredicate IntPredicate(Inst i) => ((Detail.Comparison)i.Detail!).Predicate switch
    {
        Predicate.Eq => LLVMIntPredicate.LLVMIntEQ,
        Predicate.Ne => LLVMIntPredicate.LLVMIntNE,
        Predicate.Ult => LLVMIntPredicate.LLVMIntULT,
        Predicate.Ule => LLVMIntPredicate.LLVMIntULE,
        Predicate.Ugt => LLVMIntPredicate.LLVMIntUGT,
        Predicate.Uge => LLVMIntPredicate.LLVMIntUGE,
        Predicate.Slt => LLVMIntPredicate.LLVMIntSLT,
        Predicate.Sle => LLVMIntPredicate.LLVMIntSLE,
        Predicate.Sgt => LLVMIntPredicate.LLVMIntSGT,
        Predicate.Sge => LLVMIntPredicate.LLVMIntSGE,
        var p => throw new InvalidOperationException($"{p} does not compare integers"),
    };

    static LLVMRealPredicate RealPredicate(Inst i) => ((Detail.Comparison)i.Detail!).Predicate switch
    {
        Predicate.Oeq => LLVMRealPredicate.LLVMRealOEQ,
        Predicate.One => LLVMRealPredicate.LLVMRealONE,
        Predicate.Olt => LLVMRealPredicate.LLVMRealOLT,
        Predicate.Ole => LLVMRealPredicate.LLVMRealOLE,
        Predicate.Ogt => LLVMRealPredicate.LLVMRealOGT,
        Predicate.Oge => LLVMRealPredicate.LLVMRealOGE,
        Predicate.Ord => LLVMRealPredicate.LLVMRealORD,
        Predicate.Ueq => LLVMRealPredicate.LLVMRealUEQ,
        Predicate.Une => LLVMRealPredicate.LLVMRealUNE,
        Predicate.Fult => LLVMRealPredicate.LLVMRealULT,
        Predicate.Fule => LLVMRealPredicate.LLVMRealULE,
        Predicate.Fugt => LLVMRealPredicate.LLVMRealUGT,
        Predicate.Fuge => LLVMRealPredicate.LLVMRealUGE,
        Predicate.Uno => LLVMRealPredicate.LLVMRealUNO,
        var p => throw new InvalidOperationException($"{p} does not compare floats"),
    };

    // --- Guest memory ---

    /// <summary>Guest addresses are host addresses; the guest's fs is the host's gs (LLVM address space 256).</summary>
    LLVMValueRef Pointer(Inst i)
    {
        var address = Arg(i, 0);
        return (i.Detail as Detail.Access)?.Segment switch
        {
            null => m.ToPtr(address),
            "fs" => m.ToPtr(address, 256),
            var other => m.ToPtr(m.Add(address, SegmentBase($"{other}base"))),
        };
    }

    /// <summary>From its slot where the region writes it.</summary>
    LLVMValueRef SegmentBase(string register) => slots.TryGetValue(register, out var slot) ? Read(slot) : state.Load(m.I64, GuestState.Offset(register));

    /// <summary>LLVM would split a wide integer: as a vector the access stays one.</summary>
    LLVMTypeRef InMemory(Type t) => t is { IsFloat: false, IsVector: false, Bits: >= 128 } ? m.Vector(m.I64, t.Bits / 64) : m.Type(t);

    LLVMValueRef LoadGuest(Inst i) => i.Detail is Detail.Access { Aligned: true } ? LoadAligned(i) : m.Bits(state.Guest(m.Load(InMemory(i.Type), Pointer(i), 1)), m.Type(i.Type));

    void StoreGuest(Inst i)
    {
        if (folding.Stored(i) is { } result) { Host(result, Flat(i)); return; }
        var v = m.Bits(Arg(i, 1), InMemory(i.Args[1].Type));
        if (i.Detail is Detail.Access { Aligned: true }) StoreAligned(i, v);
        else state.Guest(m.Store(v, Pointer(i), 1));
    }

    LLVMValueRef Atomic(Inst i)
    {
        const LLVMAtomicOrdering order = LLVMAtomicOrdering.LLVMAtomicOrderingSequentiallyConsistent;
        if (i.Op == Op.CmpXchg)
        {
            var exchange = state.Guest(LLVM.BuildAtomicCmpXchg(m.B, Flat(i), Arg(i, 1), Arg(i, 2), order, order, 0));
            return m.ExtractValue(exchange, 0);
        }
        if (((Detail.Access)i.Detail!).Operation == Op.Mul) return AtomicMultiply(i);
        var what = ((Detail.Access)i.Detail!).Operation switch
        {
            Op.Add => LLVMAtomicRMWBinOp.LLVMAtomicRMWBinOpAdd,
            Op.Sub => LLVMAtomicRMWBinOp.LLVMAtomicRMWBinOpSub,
            Op.And => LLVMAtomicRMWBinOp.LLVMAtomicRMWBinOpAnd,
            Op.Or => LLVMAtomicRMWBinOp.LLVMAtomicRMWBinOpOr,
            Op.Xor => LLVMAtomicRMWBinOp.LLVMAtomicRMWBinOpXor,
            Op.Set => LLVMAtomicRMWBinOp.LLVMAtomicRMWBinOpXchg,
            var op => throw new InvalidOperationException($"no atomic {op}"),
        };
        return state.Guest(LLVM.BuildAtomicRMW(m.B, what, Flat(i), Arg(i, 1), order, 0));
    }

    /// <summary>No host instruction multiplies atomically (lock neg: by -1): try until nobody came between.</summary>
    LLVMValueRef AtomicMultiply(Inst i)
    {
        const LLVMAtomicOrdering order = LLVMAtomicOrdering.LLVMAtomicOrderingSequentiallyConsistent;
        LLVMTypeRef t = m.Type(i.Type);
        LLVMValueRef p = Flat(i), first = state.Guest(m.Load(t, p, 1)), factor = Arg(i, 1);
        LLVMBasicBlockRef before = LLVM.GetInsertBlock(m.B), attempt = m.Block(function), done = m.Block(function);
        m.Br(attempt);
        m.At(attempt);
        var old = symbols.Phi(t, (first, before));
        var exchange = state.Guest(LLVM.BuildAtomicCmpXchg(m.B, p, old, m.Binary(LLVMOpcode.LLVMMul, old, factor), order, order, 0));
        var found = m.ExtractValue(exchange, 0);
        symbols.AddIncoming(old, found, attempt);
        m.Br(m.ExtractValue(exchange, 1), done, attempt);
        m.At(done);
        return found;
    }

    // --- Host instructions ---

    /// <summary>The CPU's own division: LLVM's is undefined where the guest's faults.</summary>
    LLVMValueRef Divide(Inst i)
    {
        int bits = i.Printed.Bits;
        string name = i.Op.Name();
        LLVMTypeRef t = m.Int(bits), wide = m.Int(2 * bits);
        LLVMValueRef high = Arg(i, 0), low = Arg(i, 1), divisor = Arg(i, 2);
        if (bits == 8)
        {
            var ax = m.Or(m.Shl(m.Zext(high, wide), m.Const(wide, 8)), m.Zext(low, wide));
            return m.Asm($"{name}b $2", "={ax},0,q,~{flags}", true, m.Function(wide, wide, t), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, ax, divisor);
        }
        char suffix = bits switch { 16 => 'w', 32 => 'l', _ => 'q' };
        var pair = m.Asm($"{name}{suffix} $4", "={ax},={dx},0,1,r,~{flags}", true, m.Function(m.Struct([t, t]), t, t, t), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, low, high, divisor);
        return m.Or(m.Shl(m.Zext(m.ExtractValue(pair, 1), wide), m.Const(wide, (ulong)bits)), m.Zext(m.ExtractValue(pair, 0), wide));
    }

    /// <summary>A whole rep movs or rep stos; with DF set (rare) the host's is set around it.</summary>
    void Repeat(string name)
    {
        string insn = name.EndsWith('d') ? name[..^1] + "l" : name;
        LLVMBasicBlockRef up = m.Block(function), down = m.Block(function), done = m.Block(function);
        m.BrUnlikely(m.Icmp(LLVMIntPredicate.LLVMIntNE, Read("df"), m.Const(m.I8, 0)), down, up);
        foreach (var (block, text) in new[] { (up, $"rep {insn}"), (down, $"std; rep {insn}; cld") })
        {
            m.At(block);
            if (name.StartsWith("movs", StringComparison.Ordinal)) RunRepeat(text, Repeated(name), "={cx},={di},={si},0,1,2");
            else RunRepeat(text, Repeated(name), "={cx},={di},{ax},0,1", Read("rax"));
            m.Br(done);
        }
        m.At(done);
    }

    /// <summary>What it changes.</summary>
    static string[] Repeated(string name) => name.StartsWith("movs", StringComparison.Ordinal) ? ["rcx", "rdi", "rsi"] : ["rcx", "rdi"];

    void RunRepeat(string text, string[] registers, string constraints, params ReadOnlySpan<LLVMValueRef> more)
    {
        LLVMValueRef[] args = [.. more, .. registers.Select(Read)];
        var types = new LLVMTypeRef[args.Length];
        Array.Fill(types, m.I64);
        var result = m.Struct(types.AsSpan(0, registers.Length));
        var moved = m.Asm(text, constraints + ",~{memory},~{flags}", true, m.Function(result, types), LLVMInlineAsmDialect.LLVMInlineAsmDialectATT, args);
        for (int n = 0; n < registers.Length; n++) Write(slots[registers[n]], m.ExtractValue(moved, n));
    }
}
