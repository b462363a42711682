using System.Numerics;

namespace Emu.Ir;

/// <summary>Runs IR directly: slow, small and obviously right, the yardstick for lowering.</summary>
/// <remarks>A value is its lanes' bit patterns, each an unsigned number below two to the lane's width.</remarks>
public sealed class Interpreter(State state, IMemory memory, INative native, IObserver? observer = null)
{
    readonly Dictionary<Value, BigInteger[]> values = [];
    ulong pc;

    /// <summary>Runs a function until it is left; throws <see cref="GuestFault"/> where the guest would get a signal, and
    /// <see cref="TimeoutException"/> after <paramref name="limit"/> blocks.</summary>
    public Exit Run(Function f, int limit = 1_000_000)
    {
        var blocks = f.Blocks.ToDictionary(b => b.Label);
        Label at = f.Blocks[0].Label;
        while (limit-- > 0)
        {
            if (!blocks.TryGetValue(at, out var block)) return new(ExitKind.Jump, at.Address);
            values.Clear();
            foreach (var i in block.Code.SkipLast(1))
            {
                if (i.Op == Op.Host) Touch(block.Code.Find(s => s.Op == Op.Store && s.Args[1] == i));
                Step(i);
            }
            var (next, exit) = Leave(block.Terminator);
            if (exit != null) return exit;
            at = next;
        }
        throw new TimeoutException("the function runs too long");
    }

    BigInteger[] Use(Value v) => v is Const c ? Lanes.Unpack(c.Bits, c.Type) : values[v];
    BigInteger One(Inst i, int n) => Use(i.Args[n])[0];

    (Label Next, Exit? Exit) Leave(Inst i) => i.Op switch
    {
        Op.Goto or Op.Deliver => (Target(i).Then, null),
        Op.Branch => (One(i, 0) != 0 ? Target(i).Then : Target(i).Else!.Value, null),
        Op.Switch => (((Detail.Table)i.Detail!).Targets is var t && One(i, 0) < t.Count ? t[(int)One(i, 0)] : new((ulong)One(i, 1)), null),
        Op.SwitchOn => (new((ulong)One(i, 0)), null),
        Op.Jump => (default, new(ExitKind.Jump, (ulong)One(i, 0))),
        Op.Ret => (default, new(ExitKind.Ret, (ulong)One(i, 0))),
        Op.CallTo => (default, new(ExitKind.Call, (ulong)One(i, 0))),
        Op.Syscall => (default, new(ExitKind.Syscall, Target(i).Then.Address)),
        Op.Trap when i.Detail is Detail.Reason r => (default, new(ExitKind.Trap, pc, r.Signal, r.Text)),
        _ => throw new InvalidOperationException($"{i.Op.Name()} does not end a block"),
    };

    static Detail.Target Target(Inst i) => (Detail.Target)i.Detail!;

    void Step(Inst i)
    {
        if (Compute(i) is { } result) { values[i] = result; return; }
        switch (i.Op)
        {
            case Op.Insn: pc = ((Detail.Guest)i.Detail!).Address; break;
            case Op.Set: state.Set(((Detail.Register)i.Detail!).Reg, Lanes.Pack(Use(i.Args[0]), i.Args[0].Type), i.Args[0].Type.Bytes); break;
            case Op.Flags when i.Detail is Detail.FlagWrite w:
                var all = FlagTable.Compute(w.Rule, i.Printed.Bits, (UInt128)One(i, 0), (UInt128)One(i, 1), (UInt128)One(i, 2));
                state.Flags = state.Flags & ~w.Live | all & w.Live;
                break;
            case Op.SetFlag when i.Detail is Detail.OneFlag f: state.Flags = One(i, 0) != 0 ? state.Flags | f.Flag : state.Flags & ~f.Flag; break;
            case Op.Store: Store(Address(i), i.Args[1].Type, Use(i.Args[1])); break;
            case Op.Helper: native.Helper(((Detail.Named)i.Detail!).Name, state); break;
            case Op.Rep: Repeat(((Detail.Named)i.Detail!).Name); break;
            case Op.Count or Op.Append or Op.Call: Report(i); break;
            default: throw new NotSupportedException(i.Op.Name());
        }
    }

    /// <summary>The value of an operation that has one, or null.</summary>
    BigInteger[]? Compute(Inst i) => i.Op switch
    {
        Op.Get => Lanes.Unpack(state.Get(((Detail.Register)i.Detail!).Reg, i.Type.Bytes), i.Type),
        Op.GetFlag => Bit((state.Flags & ((Detail.OneFlag)i.Detail!).Flag) != 0),
        Op.Cond => Bit(FlagTable.Holds(((Detail.Condition)i.Detail!).Cc, state.Flags)),
        Op.Rflags => [state.Rflags],
        Op.Load => Load(Address(i), i.Type),
        Op.Rmw => Exchange(i, old => ((Detail.Access)i.Detail!).Operation is Op.Set or null ? Use(i.Args[1]) : Lanes.Map(((Detail.Access)i.Detail!).Operation!.Value, i.Type, old, Use(i.Args[1]))),
        Op.CmpXchg => Exchange(i, old => old.SequenceEqual(Use(i.Args[1])) ? Use(i.Args[2]) : old),
        Op.Native or Op.Host => native.Run((Detail.Named)i.Detail!, i.Type, [.. i.Args.Select(a => (a.Type, Use(a)))]),
        Op.Div or Op.Idiv => [Lanes.Divide(i.Op == Op.Idiv, i.Printed.Bits, One(i, 0), One(i, 1), One(i, 2))],
        Op.Select => i.Args[0].Type.IsVector ? [.. Use(i.Args[0]).Select((c, n) => Use(i.Args[c != 0 ? 1 : 2])[n])] : Use(i.Args[One(i, 0) != 0 ? 1 : 2]),
        Op.Fcmp => FloatCompare(i, ((Detail.Comparison)i.Detail!).Predicate),
        Op.Icmp => [.. Use(i.Args[0]).Zip(Use(i.Args[1]), (a, b) => Bit(Lanes.Compare(((Detail.Comparison)i.Detail!).Predicate, i.Printed, a, b))[0])],
        Op.Bits => Lanes.Unpack(Lanes.Pack(Use(i.Args[0]), i.Args[0].Type), i.Type),
        Op.Zext or Op.Sext or Op.Trunc => [.. Use(i.Args[0]).Select(x => (i.Op == Op.Sext ? Lanes.Signed(x, i.Args[0].Type.Bits) : x) & Lanes.Mask(i.Type.Bits))],
        Op.Extract => [Use(i.Args[0])[Numbers(i)[0]]],
        Op.Insert => [.. Use(i.Args[0]).Select((x, n) => n == Numbers(i)[0] ? One(i, 1) : x)],
        Op.Shuffle => Use(i.Args[0]).Concat(Use(i.Args[1])).ToArray() is var from ? [.. Numbers(i).Select(n => n < 0 ? 0 : from[n])] : null,
        _ when i.Op.Row() is { Result: "T", Effect: Effect.None } => Lanes.Map(i.Op, i.Type, [.. i.Args.Select(Use)]),
        _ => null,
    };

    static IReadOnlyList<int> Numbers(Inst i) => ((Detail.Lanes)i.Detail!).Numbers;
    static BigInteger[] Bit(bool b) => [b ? 1 : 0];

    /// <summary>On the CPU, lane by lane: it knows when denormals are zero.</summary>
    BigInteger[] FloatCompare(Inst i, Predicate p)
    {
        var lane = i.Printed.Lane;
        var name = new Detail.Named(lane == Type.F32 ? "cmpss" : "cmpsd", NumberOf(p));
        return [.. Use(i.Args[0]).Zip(Use(i.Args[1]), (a, b) => Bit(!native.Run(name, lane, [(lane, [a]), (lane, [b])])[0].IsZero)[0])];
    }

    /// <summary>The predicate of VCMPPS that compares so, and raises nothing for a quiet NaN (Intel SDM vol. 2, table 3-1).</summary>
    public static int NumberOf(Predicate p) => p switch
    {
        Predicate.Oeq => 0, Predicate.Uno => 3, Predicate.Une => 4, Predicate.Ord => 7, Predicate.Ueq => 8, Predicate.One => 12, Predicate.Olt => 17, Predicate.Ole => 18,
        Predicate.Fuge => 21, Predicate.Fugt => 22, Predicate.Fult => 25, Predicate.Fule => 26, Predicate.Oge => 29, Predicate.Ogt => 30,
        _ => throw new NotSupportedException(p.ToString()),
    };

    /// <summary>A store that faults leaves the x87 as it was before the instruction that gives its value.</summary>
    void Touch(Inst? store)
    {
        if (store is null) return;
        Span<byte> bytes = stackalloc byte[store.Printed.Bytes];
        memory.Load(Address(store), bytes);
        memory.Store(Address(store), bytes);
    }

    ulong Address(Inst i)
    {
        var access = i.Detail as Detail.Access;
        ulong at = (ulong)One(i, 0) + (access?.Segment is { } segment ? state[segment + "base"] : 0);
        bool aligned = access is { Aligned: true } || i.Op == Op.CmpXchg && i.Printed.Bytes == 16;
        return !aligned || at % (ulong)i.Printed.Bytes == 0 ? at : throw new GuestFault(11, $"misaligned address 0x{at:x}");
    }

    BigInteger[] Load(ulong address, Type t)
    {
        Span<byte> bytes = stackalloc byte[t.Bytes];
        memory.Load(address, bytes);
        return Lanes.Unpack(new(bytes, isUnsigned: true), t);
    }

    void Store(ulong address, Type t, BigInteger[] lanes)
    {
        Span<byte> bytes = stackalloc byte[t.Bytes];
        Lanes.Pack(lanes, t).TryWriteBytes(bytes, out _, isUnsigned: true);
        memory.Store(address, bytes);
    }

    BigInteger[] Exchange(Inst i, Func<BigInteger[], BigInteger[]> change)
    {
        var old = Load(Address(i), i.Type);
        Store(Address(i), i.Type, change(old));
        return old;
    }

    /// <summary>A whole movs or stos: rcx elements from rdi on, downwards when df is set.</summary>
    void Repeat(string name)
    {
        var t = Type.Int(8 << "bwdq".IndexOf(name[4], StringComparison.Ordinal));
        ulong step = state["df"] != 0 ? (ulong)-t.Bytes : (ulong)t.Bytes;
        for (bool moves = name.StartsWith("movs", StringComparison.Ordinal); state["rcx"] != 0; state["rcx"]--)
        {
            Store(state["rdi"], t, moves ? Load(state["rsi"], t) : [state.Get(new("rax"), t.Bytes)]);
            state["rdi"] += step;
            if (moves) state["rsi"] += step;
        }
    }

    void Report(Inst i)
    {
        bool guarded = i.Detail is Detail.Cell { Guarded: true } or Detail.Symbol { Guarded: true };
        if (observer is null || guarded && One(i, 0) == 0) return;
        var args = i.Args.Skip(guarded ? 1 : 0).Select(a => Lanes.Pack(Use(a), a.Type)).ToList();
        if (i.Detail is Detail.Cell cell) observer.Count(cell);
        else if (i.Op == Op.Append) observer.Append(((Detail.Symbol)i.Detail!).Name, args);
        else observer.Call(((Detail.Symbol)i.Detail!).Name, args);
    }
}
