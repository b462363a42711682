using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;
using IrType = Emu.Ir.Type;
using Label = Emu.Ir.Label;

namespace Emu.Translator.X86;

/// <summary>Far transfers and loads of segment registers (Intel SDM vol. 2, CALL, IRET, JMP, LDS, MOV, RET).</summary>
/// <remarks>A 64-bit process has one code and one stack segment. What stays in them does what it does natively; other selectors are refused by name.</remarks>
static class Segments
{
    const string Elsewhere = "goes to another code segment", Other = "loads another selector";

    public static void Define(Rules r)
    {
        r[Retf] = FarReturn;
        r[Iret] = r[Iretd] = r[Iretq] = InterruptReturn;
        r[Lss] = LoadStackSegment;
        r[Lfs] = r[Lgs] = Refuse;
    }

    /// <summary>The selectors that Linux gives a 64-bit process (arch/x86/include/asm/segment.h).</summary>
    public static long Selector(Register r) => r switch { Register.CS => 0x33, Register.SS => 0x2b, _ => 0 };

    /// <summary>mov to a segment register: to say again what is there does nothing. Null loads of fs and gs clear their base on some CPUs only.</summary>
    public static void Move(Lift x)
    {
        var to = x.Instruction.Op0Register;
        V selector = x.Read(1, I16);
        if (to is Register.FS or Register.GS or Register.CS) Refuse(x);
        else x.Require(Is(selector, to), Other);
    }

    /// <summary>jmp and call through a pointer in memory: the offset, and behind it the selector.</summary>
    public static void Transfer(Lift x)
    {
        if (x.FarOffset() is not { } t) return;
        V target = x.FarPointer(0, t, Register.CS, Elsewhere).Zext(I64);
        if (x.Instruction.Mnemonic == Jmp) { x.E.Jump(target); return; }
        x.PushValue(x.E.Const(t, Selector(Register.CS)));
        x.PushValue(x.E.ConstBits(I64, x.Next).Fit(t));
        x.E.CallTo(target, x.Next);
    }

    public static void Refuse(Lift x) => x.E.Trap(Signal.Segv, $"{Other}: {x.Instruction}");

    static void LoadStackSegment(Lift x)
    {
        if (x.FarOffset() is not { } t) return;
        x.Write(0, x.FarPointer(1, t, Register.SS, Other));
    }

    /// <summary>The offset of a far pointer in memory, which is one access, if its selector is the register's own.</summary>
    static V FarPointer(this Lift x, int op, IrType offset, Register own, string otherwise)
    {
        V pointer = x.E.Load(Int(offset.Bits + 16), x.Address(op), x.Segment);
        x.E.Set("lanes", pointer.Trunc(offset));
        x.Require(Is(pointer >> offset.Bits, own), otherwise);
        return x.E.Get(offset, "lanes");
    }

    /// <summary>The type of a far pointer's offset; a REX prefix makes it 64 bits wide on Intel's CPUs and does nothing on AMD's (APM vol. 3, JMP).</summary>
    static IrType? FarOffset(this Lift x)
    {
        if (x.Instruction.MemorySize is MemorySize.SegPtr64) x.E.Trap(Signal.Segv, $"differs between CPUs: {x.Instruction}");
        return x.Instruction.MemorySize switch { MemorySize.SegPtr16 => I16, MemorySize.SegPtr32 => I32, _ => null };
    }

    static void FarReturn(Lift x)
    {
        var t = x.Instruction.Code switch { Code.Retfw or Code.Retfw_imm16 => I16, Code.Retfd or Code.Retfd_imm16 => I32, _ => I64 };
        x.E.Set("lanes", x.OnStack(t, 0).Zext(I64));
        x.Require(Is(x.OnStack(t, 1), Register.CS), Elsewhere);
        V to = x.E.Get(I64, "lanes");
        x.E.Set("rsp", x.E.Get(I64, "rsp") + 2 * t.Bytes + (x.Instruction.OpCount == 1 ? x.Instruction.Immediate16 : 0));
        x.E.Ret(to);
    }

    /// <summary>In 64-bit mode it always takes rsp and ss, too.</summary>
    static void InterruptReturn(Lift x)
    {
        var t = x.Instruction.Mnemonic switch { Iret => I16, Iretd => I32, _ => I64 };
        V to = x.OnStack(t, 0), code = x.OnStack(t, 1), flags = x.OnStack(t, 2), sp = x.OnStack(t, 3), stack = x.OnStack(t, 4);
        foreach (var (n, v) in new[] { to, sp, flags }.Index()) x.E.Set("lanes", v.Zext(I64), 8 * n);
        x.Require(Is(code, Register.CS) & Is(stack, Register.SS) & (flags & 0x100).Icmp(Predicate.Eq, 0), Elsewhere + ", or sets the trap flag");
        x.RestoreFlags(t == I16 ? x.E.Get(I16, "lanes", 16) : x.E.Get(I64, "lanes", 16));
        x.E.Set("rsp", x.E.Get(I64, "lanes", 8));
        x.E.Jump(x.E.Get(I64, "lanes"));
    }

    static V OnStack(this Lift x, IrType t, int n) => x.E.Load(t, x.E.Get(I64, "rsp") + n * t.Bytes);

    static V Is(V selector, Register r) => selector.Trunc(I16).Icmp(Predicate.Eq, Selector(r));

    /// <summary>Goes on in another block if the condition holds.</summary>
    static void Require(this Lift x, V condition, string otherwise)
    {
        Label good = new(x.Instruction.IP, 1), bad = new(x.Instruction.IP, 2);
        x.E.Branch(condition, good, bad);
        x.Begin(bad);
        x.E.Trap(Signal.Segv, $"{otherwise}: {x.Instruction}");
        x.Begin(good);
    }
}
