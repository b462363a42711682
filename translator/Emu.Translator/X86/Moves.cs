using Emu.Ir;
using Iced.Intel;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;
using Label = Emu.Ir.Label;

namespace Emu.Translator.X86;

/// <summary>Data movement: mov, stack, exchange, sign extension (Intel SDM vol. 1, 5.1.1).</summary>
static class Moves
{
    public static void Define(Rules r)
    {
        r[Mov] = MovRow;
        r[Movzx] = x => x.Write(0, x.Read(1).Zext(x.Type(0)));
        r[Movsx] = r[Movsxd] = x => x.Write(0, x.Read(1).Sext(x.Type(0)));
        r[Movnti] = x => x.Write(0, x.Read(1));
        r[Lea] = x => x.Write(0, x.Address(1).Fit(x.Type(0)));
        r[Xchg] = Exchange;
        r[Xlatb] = x => x.E.Set("rax", x.E.Load(I8, x.Address(0), x.Segment));
        r.Each("cmov", x => { var (now, then) = (x.Read(0), x.Read(1)); x.Write(0, x.E.Select(x.E.Cond(x.Cc), then, now)); });
        r.Each("set", x => x.Write(0, x.E.Cond(x.Cc).Zext(I8)));

        r[Push] = x => x.PushValue(x.Read(0, x.StackType()));
        r[Pop] = PopRow;
        r[Leave] = x => { V frame = x.E.Get(I64, "rbp"), saved = x.E.Load(x.FrameType(), frame); x.E.Set("rsp", frame + saved.Type.Bytes); x.E.Set("rbp", saved); };
        r[Enter] = EnterRow;
        r[Pushfq] = r[Pushf] = PushFlags;
        r[Popfq] = r[Popf] = PopFlags;
        r[Lahf] = x => x.E.Set("rax", (x.E.Rflags().Trunc(I8) & 0xd5) | x.E.Const(I8, 2), at: 1);
        r[Sahf] = x => x.LoadFlags(x.E.Get(I8, "rax", at: 1), Flag.All & ~Flag.O);

        r[Cbw] = x => x.E.Set("rax", x.E.Get(I8, "rax").Sext(I16));
        r[Cwde] = x => x.E.Set("rax", x.E.Get(I16, "rax").Sext(I32).Zext(I64));
        r[Cdqe] = x => x.E.Set("rax", x.E.Get(I32, "rax").Sext(I64));
        r[Cwd] = x => x.E.Set("rdx", x.E.Get(I16, "rax").Sar(15));
        r[Cdq] = x => x.E.Set("rdx", x.E.Get(I32, "rax").Sar(31).Zext(I64));
        r[Cqo] = x => x.E.Set("rdx", x.E.Get(I64, "rax").Sar(63));
    }

    static void MovRow(Lift x)
    {
        if (x.IsRegister(0) && x.Instruction.Op0Register.IsSegmentRegister()) Segments.Move(x);
        else if (IsSpecial(x, 0)) x.E.Trap(Signal.Segv, $"privileged {x.Instruction}");
        else if (IsSpecial(x, 1) && !x.Instruction.Op1Register.IsSegmentRegister()) x.E.Trap(Signal.Segv, $"privileged {x.Instruction}");
        else x.Write(0, x.Read(1, x.Type(0)));
    }

    static bool IsSpecial(Lift x, int op) => x.IsRegister(op) && !x.Instruction.GetOpRegister(op).IsGPR();

    static void Exchange(Lift x)
    {
        int m = x.IsMemory(0) ? 0 : 1;
        if (x.Locked) { V old = x.E.Rmw(Op.Set, x.Address(m), x.Read(1 - m), x.Segment); x.Write(1 - m, old); return; }
        var (a, b) = (x.Read(0), x.Read(1));
        x.Write(0, b);
        x.Write(1, a);
    }

    static void PopRow(Lift x)
    {
        if (x.IsRegister(0) && !x.Instruction.Op0Register.IsGPR()) { Segments.Refuse(x); return; }
        V sp = x.E.Get(I64, "rsp"), v = x.E.Load(x.StackType(), sp);
        V above = sp + v.Type.Bytes;
        if (x.IsMemory(0) && x.Instruction.MemoryBase is Register.RSP or Register.ESP)
        {
            // An rsp-relative destination is addressed with rsp already incremented (Intel SDM vol. 2, POP).
            x.E.Store(x.Address(0) + v.Type.Bytes, v, x.Segment);
            x.E.Set("rsp", above);
            return;
        }
        if (x.IsMemory(0)) x.Write(0, v);
        x.E.Set("rsp", above);
        if (!x.IsMemory(0)) x.Write(0, v);
    }

    static void EnterRow(Lift x)
    {
        var t = x.FrameType();
        V sp = x.E.Get(I64, "rsp") - t.Bytes, frame = x.E.Get(I64, "rbp"), top = sp;
        int level = x.Instruction.Immediate8_2nd & 31;
        x.E.Store(sp, frame.Fit(t));
        for (int n = 1; n < level; n++) x.E.Store(sp -= t.Bytes, x.E.Load(t, frame - t.Bytes * n));
        if (level > 0) x.E.Store(sp -= t.Bytes, top.Fit(t));
        x.E.Set("rbp", top.Fit(t));
        x.E.Set("rsp", sp - x.Instruction.Immediate16);
    }

    static Emu.Ir.Type FrameType(this Lift x) => x.Instruction.Code is Code.Leavew or Code.Enterw_imm16_imm8 ? I16 : I64;

    /// <summary>64 bits, or 16 with an operand-size prefix: nothing else can be pushed in 64-bit mode.</summary>
    static Emu.Ir.Type StackType(this Lift x) => x.Instruction.StackPointerIncrement is 2 or -2 ? I16 : I64;

    public static void PushValue(this Lift x, V v)
    {
        V sp = x.E.Get(I64, "rsp") - v.Type.Bytes;
        x.E.Store(sp, v);
        x.E.Set("rsp", sp);
    }

    public static V PopValue(this Lift x, Emu.Ir.Type t)
    {
        V sp = x.E.Get(I64, "rsp"), v = x.E.Load(t, sp);
        x.E.Set("rsp", sp + t.Bytes);
        return v;
    }

    const int IdentificationBits = 0x24, TrapFlagBit = 8;

    static void PushFlags(Lift x)
    {
        V more = x.E.Get(I8, "acid"), all = x.E.Rflags() | (more & IdentificationBits).Zext(I64) << 16 | (more & 1).Zext(I64) << TrapFlagBit;
        x.PushValue(all.Fit(x.StackType()));
    }

    static void PopFlags(Lift x)
    {
        V image = x.PopValue(x.StackType());
        Label steps = new(x.Instruction.IP, 1), goesOn = new(x.Instruction.IP, 2);
        x.RestoreFlags(image);
        x.E.Branch((image >> TrapFlagBit).Trunc(I1), steps, goesOn);
        x.Begin(steps);
        x.E.Trap(Signal.Trap, Rules.SetsTrapFlag);
        x.Begin(goesOn);
    }

    /// <summary>
    /// All that user mode may change of an image of RFLAGS. Programs ask whether ID, and AC, can be changed, to tell processors
    /// apart; of 16 bits neither is.
    /// </summary>
    public static void RestoreFlags(this Lift x, V image)
    {
        x.LoadFlags(image, Flag.All);
        x.E.Set("df", (image >> 10).Trunc(I8) & 1);
        V before = x.E.Get(I8, "acid"), identification = image.Type == I16 ? before : (image >> 16).Trunc(I8);
        x.E.Set("acid", identification & IdentificationBits | (image >> TrapFlagBit).Trunc(I8) & 1 | (before & 1) << 1);
    }

    /// <summary>Sets those of <paramref name="which"/> from their bits in an RFLAGS image.</summary>
    public static void LoadFlags(this Lift x, V image, Flag which)
    {
        foreach (var (flag, _, bit) in GuestState.FlagBytes)
            if ((which & flag) != 0) x.E.SetFlag(flag, (image >> bit).Trunc(I1));
    }
}
