using System.Reflection;

namespace Emu.Ir;

/// <summary>Every operation of the IR, one line each. Builder, printer, parser and verifier all read this table.</summary>
/// <remarks>
/// In a signature T is the type that the operation is printed with, M its comparison mask, D an integer of twice its width,
/// L its lane, * any type, and "..." any number of operands of any type. A result of "" means none.
/// </remarks>
public enum Op
{
    // Guest state.
    [Row("-> T", Effect.ReadReg)] Get,                 // %1 = get.i64 rax          %2 = get.i8 rax+1
    [Row("T ->", Effect.WriteReg)] Set,                // set.i64 rax, %1           writes exactly T's bytes
    [Row("T T T ->", Effect.WriteFlags)] Flags,        // flags.sub.i32 oszapc, %a, %b, %result
    [Row("i1 ->", Effect.WriteFlags)] SetFlag,         // setflag c, %1
    [Row("-> i1", Effect.ReadFlags)] GetFlag,          // %1 = getflag a
    [Row("-> i1", Effect.ReadFlags)] Cond,             // %4 = cond.le
    [Row("-> i64", Effect.ReadFlags)] Rflags,          // %1 = rflags               all of them, as pushf stores them

    // Guest memory: the only operations that passes see as memory accesses. Addresses are i64; ".fs" adds a segment base.
    [Row("i64 -> T", Effect.Load)] Load,               // %3 = load.i64 %2          %3 = load.fs.i64 %2     %3 = load.aligned.i64x2 %2: faults where %2 is not a multiple of 16
    [Row("i64 T ->", Effect.Store)] Store,             // store.i32 %2, %3
    [Row("i64 T -> T", Effect.Load | Effect.Store)] Rmw,          // %4 = rmw.add.i64 %2, %3   locked; gives the old value
    [Row("i64 T T -> T", Effect.Load | Effect.Store)] CmpXchg,    // %5 = cmpxchg.i64 %2, %expected, %new   locked; gives the old value

    // Integer arithmetic, scalar or lane by lane. Shift counts are below the lane's width.
    [Row("T T -> T")] Add,
    [Row("T T -> T")] Sub,
    [Row("T T -> T")] Mul,
    [Row("T T -> T")] And,
    [Row("T T -> T")] Or,
    [Row("T T -> T")] Xor,
    [Row("T T -> T")] Shl,
    [Row("T T -> T")] Shr,
    [Row("T T -> T")] Sar,
    [Row("T T T -> T")] Fshl,                          // %d = fshl.i32 %high, %low, %count   upper half of (high:low) << count
    [Row("T T T -> T")] Fshr,                          // %d = fshr.i32 %high, %low, %count   lower half of (high:low) >> count
    [Row("T T T -> D")] Div,                           // %d = div.i32 %high, %low, %divisor  remainder:quotient; faults as the CPU does
    [Row("T T T -> D")] Idiv,
    [Row("T -> T")] Popcnt,
    [Row("T -> T")] Ctlz,                              // the width itself for 0
    [Row("T -> T")] Cttz,
    [Row("T -> T")] Bswap,
    [Row("T T -> T")] Umin,
    [Row("T T -> T")] Umax,
    [Row("T T -> T")] Smin,
    [Row("T T -> T")] Smax,
    [Row("T T -> M")] Icmp,                            // %m = icmp.slt.i32x4 %a, %b
    [Row("M T T -> T")] Select,

    // Floating point: comparison only. All else is the host's own (ARCHITECTURE.md, "Floating point").
    [Row("T T -> M")] Fcmp,                            // %m = fcmp.olt.f64 %a, %b

    // Conversions: T is the result type, * the operand's own.
    [Row("* -> T")] Zext,
    [Row("* -> T")] Sext,
    [Row("* -> T")] Trunc,
    [Row("* -> T")] Bits,                              // same size, other type

    // Vectors.
    [Row("T -> L")] Extract,                           // %x = extract.i32x4 %v, 2
    [Row("T L -> T")] Insert,                          // %w = insert.i32x4 %v, %x, 2
    [Row("T T -> T")] Shuffle,                         // %w = shuffle.i32x4 %a, %b, [0 4 1 5]   -1: zero

    // One instruction of the host (the same ISA), by name, on values: what no operation above says exactly.
    [Row("... -> T")] Native,                          // %3 = native.pmaddwd.i32x4 %1, %2
    [Row("... -> T", Effect.Unit)] Host,               // %2 = host.f64 "fadd qword ptr $0", %1     the text itself, on the x87 and MMX state that guest and host share

    // What passes insert. Invisible to the guest: never writes guest state or guest memory. ".if": the first operand is an i1 guard.
    [Row("... ->", Effect.Plugin)] Count,              // count @runs[0x401136], 1
    [Row("... ->", Effect.Plugin)] Append,             // append @trace, %1, %2     each operand takes its type's bytes
    [Row("... ->", Effect.Plugin)] Call,               // call @on_access, %1, %2

    // Structure.
    [Row("->", Effect.Boundary)] Insn,                 // insn 0x401136 3 "add rax,rcx"    all guest state is architectural here
    [Row("->", Effect.Helper)] Helper,                 // helper cpuid              runtime code that may read and write any guest state
    [Row("->", Effect.Helper | Effect.Load | Effect.Store)] Rep,  // rep.movsb      whole string instruction, restartable; registers as the CPU
    [Row("->", Effect.Ends)] Goto,                     // goto 0x401139
    [Row("i1 ->", Effect.Ends)] Branch,                // branch %4, 0x401150, 0x401139
    [Row("i64 ->", Effect.Ends)] Jump,                 // jump %2                   indirect
    [Row("i64 i64 ->", Effect.Ends)] Switch,           // switch %index, %target, [0x401150 0x401170]   by table; out of range: jump %target
    [Row("i64 ->", Effect.Ends)] SwitchOn,            // switchon %target, [0x401150 0x401170]       by address; none of them: jump %target
    [Row("i64 ->", Effect.Ends)] CallTo,               // callto %target, 0x401139  the return address is already stored
    [Row("i64 ->", Effect.Ends)] Ret,                  // ret %target               the return address is already popped
    [Row("->", Effect.Ends | Effect.Helper)] Syscall,  // syscall 0x401152          syscall 0x401150.1: one that passes watch, deliver is to follow
    [Row("->", Effect.Ends | Effect.Helper)] Deliver,  // deliver 0x401152          takes the signals that came during a system call, goes on there
    [Row("->", Effect.Ends)] Trap,                     // trap 4 "unsupported vpaddd ymm0,ymm1,ymm2"   signal, reason
}

/// <summary>What an operation touches besides its operands.</summary>
[Flags]
public enum Effect { None = 0, ReadReg = 1, WriteReg = 2, WriteFlags = 4, ReadFlags = 8, Load = 16, Store = 32, Plugin = 64, Boundary = 128, Ends = 256, Helper = 512, Unit = 1024 }

/// <summary>An operation's signature and effects; see <see cref="Op"/> for the letters.</summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class RowAttribute(string signature, Effect effect = Effect.None) : Attribute
{
    public string[] Args { get; } = signature[..signature.IndexOf("->", StringComparison.Ordinal)].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    public string Result { get; } = signature[(signature.IndexOf("->", StringComparison.Ordinal) + 2)..].Trim();
    public Effect Effect { get; } = effect;

    /// <summary>Any number of operands of any type.</summary>
    public bool IsVariadic => Args is ["..."];

    /// <summary>Whether the operation is printed with a type.</summary>
    public bool IsTyped => Result != "" && Result[0] is 'T' or 'M' or 'D' or 'L' || Args.Contains("T");
}

/// <summary>The table of <see cref="Op"/>.</summary>
public static class OpTable
{
    static readonly RowAttribute[] rows = [.. Enum.GetValues<Op>().Select(op => typeof(Op).GetField(op.ToString())!.GetCustomAttribute<RowAttribute>()!)];
    static readonly string[] names = [.. Enum.GetValues<Op>().Select(op => op.ToString().ToLowerInvariant())];
    static readonly Dictionary<string, Op> byName = Enum.GetValues<Op>().ToDictionary(op => names[(int)op]);

    public static RowAttribute Row(this Op op) => rows[(int)op];
    public static bool Has(this Op op, Effect e) => (rows[(int)op].Effect & e) != 0;
    public static string Name(this Op op) => names[(int)op];

    /// <summary>The operation of that name; <see cref="FormatException"/> if there is none.</summary>
    public static Op Parse(string name) => byName.TryGetValue(name, out var op) ? op : throw new FormatException($"no operation '{name}'");

    /// <summary>The type that a letter of a signature stands for, given T; null for * (any).</summary>
    public static Type? Resolve(string letter, Type t) => letter switch
    {
        "T" => t,
        "M" => t.AsMask,
        "D" => Type.Int(t.Bits * 2),
        "L" => t.Lane,
        "*" or "..." => null,
        _ => Type.Parse(letter),
    };
}
