namespace Emu.Ir;

/// <summary>Appends operations to the block being built; <see cref="V"/> lets semantics be written as C# expressions.</summary>
public sealed class Emitter(Function function)
{
    List<Inst> code = [];

    public Function Function => function;

    /// <summary>Whether what is emitted now belongs to a pass.</summary>
    public bool Inserting { get; init; }

    /// <summary>An emitter that appends to an existing list, for passes.</summary>
    public static Emitter Into(Function function, List<Inst> code) => new(function) { code = code, Inserting = true };

    /// <summary>Starts a block; what is emitted from now on goes there.</summary>
    public void Begin(Label label)
    {
        var b = new Block(label);
        function.Blocks.Add(b);
        code = b.Code;
    }

    /// <summary>Whether the current block already has its terminator.</summary>
    public bool IsEnded => code.Count > 0 && code[^1].Op.Has(Effect.Ends);

    public V Emit(Op op, Type type, Detail? detail, params ReadOnlySpan<V> args)
    {
        Value[] values = args.Length == 0 ? [] : new Value[args.Length];
        for (int n = 0; n < args.Length; n++) values[n] = args[n].Value;
        var inst = new Inst(op, type, values, detail) { Inserted = Inserting };
        code.Add(inst);
        return new(this, inst);
    }

    /// <summary>A constant of any width, as a bit pattern.</summary>
    public V ConstBits(Type t, UInt128 bits) => new(this, new Const(t, bits));
    public V Const(Type t, long value) => ConstBits(t, (UInt128)(Int128)value);
    public V Get(Type t, string reg, int at = 0) => Emit(Op.Get, t, Detail.Register.Of(reg, at));
    public void Set(string reg, V v, int at = 0) => Emit(Op.Set, v.Type, Detail.Register.Of(reg, at), v);
    public V Load(Type t, V address, string? segment = null, bool aligned = false) => Emit(Op.Load, t, Below(segment, aligned), address);
    public void Store(V address, V v, string? segment = null, bool aligned = false) => Emit(Op.Store, v.Type, Below(segment, aligned), address, v);
    public V Rmw(Op what, V address, V v, string? segment = null) => Emit(Op.Rmw, v.Type, new Detail.Access(segment, what), address, v);
    public V CmpXchg(V address, V expected, V desired, string? segment = null) => Emit(Op.CmpXchg, expected.Type, Below(segment), address, expected, desired);
    static Detail.Access? Below(string? segment, bool aligned = false) => segment is null && !aligned ? null : new(segment, Aligned: aligned);

    public void Flags(FlagRule rule, V a, V b, V r, Flag live = Flag.All) => Emit(Op.Flags, r.Type, new Detail.FlagWrite(rule, live), a, b, r);
    public void SetFlag(Flag f, V v) => Emit(Op.SetFlag, Type.I1, new Detail.OneFlag(f), v);
    public V GetFlag(Flag f) => Emit(Op.GetFlag, Type.I1, new Detail.OneFlag(f));
    public V Cond(Cc cc) => Emit(Op.Cond, Type.I1, new Detail.Condition(cc));
    public V Rflags() => Emit(Op.Rflags, Type.I64, null);

    public V Select(V condition, V then, V otherwise) => Emit(Op.Select, then.Type, null, condition, then, otherwise);
    public V Native(string name, Type t, int? immediate, params ReadOnlySpan<V> args) => Emit(Op.Native, t, new Detail.Named(name, immediate), args);

    /// <summary>A host instruction's text: operands are $0, $1 ..., the result's first if there is one.</summary>
    public V Host(string text, Type t, params ReadOnlySpan<V> args) => Emit(Op.Host, t, new Detail.Named(text), args);
    public void Insn(ulong address, int length, string? text) => Emit(Op.Insn, Type.I64, new Detail.Guest(address, length, text));
    public void Helper(string name) => Emit(Op.Helper, Type.I64, new Detail.Named(name));
    public void Rep(string name) => Emit(Op.Rep, Type.I64, new Detail.Named(name));

    public void Goto(Label to) => Emit(Op.Goto, Type.I64, new Detail.Target(to));
    public void Branch(V condition, Label then, Label otherwise) => Emit(Op.Branch, Type.I64, new Detail.Target(then, otherwise), condition);
    public void Jump(V to) => Emit(Op.Jump, Type.I64, null, to);
    public void Switch(V index, V target, IReadOnlyList<Label> table) => Emit(Op.Switch, Type.I64, new Detail.Table(table), index, target);
    public void CallTo(V target, Label next) => Emit(Op.CallTo, Type.I64, new Detail.Target(next), target);
    public void Ret(V to) => Emit(Op.Ret, Type.I64, null, to);
    public void Syscall(Label next) => Emit(Op.Syscall, Type.I64, new Detail.Target(next));
    public void Deliver(Label next) => Emit(Op.Deliver, Type.I64, new Detail.Target(next));
    public void Trap(int signal, string reason) => Emit(Op.Trap, Type.I64, new Detail.Reason(signal, reason));
}

/// <summary>A value while code is being emitted.</summary>
public readonly struct V(Emitter e, Value value)
{
    public Value Value => value;
    public Type Type => value.Type;
    public Emitter E => e;

    public static V operator +(V a, V b) => a.With(Op.Add, b);
    public static V operator -(V a, V b) => a.With(Op.Sub, b);
    public static V operator *(V a, V b) => a.With(Op.Mul, b);
    public static V operator &(V a, V b) => a.With(Op.And, b);
    public static V operator |(V a, V b) => a.With(Op.Or, b);
    public static V operator ^(V a, V b) => a.With(Op.Xor, b);
    public static V operator <<(V a, V b) => a.With(Op.Shl, b);
    public static V operator >>(V a, V b) => a.With(Op.Shr, b);
    public static V operator +(V a, long b) => b == 0 ? a : a + a.Same(b);
    public static V operator -(V a, long b) => b == 0 ? a : a - a.Same(b);
    public static V operator &(V a, long b) => a & a.Same(b);
    public static V operator <<(V a, int b) => b == 0 ? a : a.With(Op.Shl, a.Same(b));
    public static V operator >>(V a, int b) => b == 0 ? a : a.With(Op.Shr, a.Same(b));
    public static V operator ~(V a) => a ^ a.Same(-1);
    public static V operator -(V a) => a.Same(0) - a;

    /// <summary>A scalar constant of this value's type.</summary>
    public V Same(long b) => e.Const(Type, b);

    public V With(Op op, V b) => e.Emit(op, Type, null, this, b);
    public V One(Op op) => e.Emit(op, Type, null, this);
    public V Sar(V count) => With(Op.Sar, count);
    public V Sar(int count) => With(Op.Sar, Same(count));
    public V Icmp(Predicate p, V b) => e.Emit(Op.Icmp, Type, new Detail.Comparison(p), this, b);
    public V Icmp(Predicate p, long b) => Icmp(p, Same(b));
    public V Fcmp(Predicate p, V b) => e.Emit(Op.Fcmp, Type, new Detail.Comparison(p), this, b);
    public V Zext(Type t) => Convert(Op.Zext, t);
    public V Sext(Type t) => Convert(Op.Sext, t);
    public V Trunc(Type t) => Convert(Op.Trunc, t);
    public V Bits(Type t) => Convert(Op.Bits, t);

    /// <summary>Zero-extends or truncates to <paramref name="t"/>, whichever is needed.</summary>
    public V Fit(Type t) => t.TotalBits < Type.TotalBits ? Trunc(t) : Zext(t);

    /// <summary>This conversion to <paramref name="t"/>; nothing when it is that type already.</summary>
    public V Convert(Op op, Type t) => t == Type ? this : e.Emit(op, t, null, this);

    public V Extract(int lane) => e.Emit(Op.Extract, Type, new Detail.Lanes([lane]), this);
    public V Insert(int lane, V v) => e.Emit(Op.Insert, Type, new Detail.Lanes([lane]), this, v);
    public V Shuffle(V b, params int[] lanes) => e.Emit(Op.Shuffle, Type, new Detail.Lanes(lanes), this, b);
}
