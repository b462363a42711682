using Emu.Ir;
using static Emu.Ir.Type;
using static Iced.Intel.Mnemonic;

namespace Emu.Translator.X86;

/// <summary>x87 control: words, stack pointer, environment (Intel SDM vol. 1, 5.2.5 and 8.1.10).</summary>
/// <remarks>The last instruction and operand pointers read as zero. The forms without n are a wait before these.</remarks>
static class X87Control
{
    public static void Define(Rules r)
    {
        foreach (var m in new[] { Fnop, Wait, Fneni, Fndisi, Fnsetpm }) r[m] = x => { };
        r[Fincstp] = x => x.Turn(1);
        r[Fdecstp] = x => x.Turn(-1);
        r[Ffree] = x => x.Tag(x.StNumber(0), used: false);
        r[Ffreep] = x => { x.Tag(x.StNumber(0), used: false); x.Drop(); };
        r[Emms] = x => { x.E.Set("ftop", x.E.Const(I8, 0L)); x.E.Set("ftag", x.E.Const(I8, 0L)); };
        r[Fnstcw] = x => x.Write(0, x.E.Get(I16, "fcw"));
        r[Fldcw] = x => x.SetControl(x.Read(0));
        r[Fnstsw] = x => x.Write(0, x.Status());
        r[Fnclex] = x => x.E.Native("fnclex", I16, null);
        r[Fninit] = x => x.Initialize();
        r[Fnstenv] = x => { if (x.StoreEnvironment()) x.SetControl(x.E.Get(I16, "fcw") | x.E.Const(I16, 0x3f)); };
        r[Fldenv] = x => x.LoadEnvironment();
        r[Fnsave] = x =>
        {
            if (!x.StoreEnvironment()) return;
            for (int n = 0; n < 8; n++) x.E.Store(x.Address(0) + (28 + 10 * n), x.St(n), x.Segment);
            x.Initialize();
        };
        r[Frstor] = x =>
        {
            if (x.IsShort()) { x.Unsupported(); return; }
            var values = Enumerable.Range(0, 8).Select(n => x.E.Load(F80, x.Address(0) + (28 + 10 * n), x.Segment)).ToArray();
            x.LoadEnvironment();
            for (int n = 0; n < 8; n++) x.SetSt(n, values[n]);
        };
    }

    /// <summary>The 16-bit forms store half as much; nothing uses them.</summary>
    static bool IsShort(this Lift x) => x.Instruction.MemorySize is Iced.Intel.MemorySize.FpuEnv14 or Iced.Intel.MemorySize.FpuState94;

    static void SetControl(this Lift x, V word)
    {
        x.E.Set("fcw", word);
        x.E.Native("fldcw", I16, null, word);
    }

    static void Initialize(this Lift x)
    {
        x.SetControl(x.E.Const(I16, 0x37f));
        x.E.Native("fnclex", I16, null);
        x.E.Set("fsw", x.E.Const(I16, 0));
        x.E.Set("ftop", x.E.Const(I8, 0));
        x.E.Set("ftag", x.E.Const(I8, 0));
    }

    /// <summary>The whole status word: exceptions from the host, condition codes and top from the guest's state.</summary>
    static V Status(this Lift x) =>
        x.E.Native("fnstsw", I16, null) & 0x80ff | x.E.Get(I16, "fsw") & 0x4700 | x.E.Get(I8, "ftop").Zext(I16) << 11;

    static bool StoreEnvironment(this Lift x)
    {
        if (x.IsShort()) { x.Unsupported(); return false; }
        V[] words = [x.E.Get(I16, "fcw"), x.Status(), x.FullTags()];
        for (int n = 0; n < 7; n++)
            x.E.Store(x.Address(0) + 4 * n, n < 3 ? words[n].Zext(I32) | x.E.Const(I32, 0xffff0000) : x.E.Const(I32, n == 6 ? 0xffff0000 : 0), x.Segment);
        return true;
    }

    static void LoadEnvironment(this Lift x)
    {
        if (x.IsShort()) { x.Unsupported(); return; }
        var words = Enumerable.Range(0, 7).Select(n => x.E.Load(I32, x.Address(0) + 4 * n, x.Segment).Trunc(I16)).ToArray();
        V control = words[0], status = words[1], tags = words[2], used = x.E.Const(I8, 0);
        for (int n = 0; n < 8; n++) used |= (tags >> 2 * n & 3).Icmp(Predicate.Ne, 3).Zext(I8) << n;
        x.SetControl(control);
        x.E.Native("fldstatus", I8, null, status.Trunc(I8));
        x.E.Set("fsw", status & 0x4700);
        x.E.Set("ftop", (status >> 11).Trunc(I8) & 7);
        x.E.Set("ftag", used);
    }

    /// <summary>Two bits per physical register: 0 a number, 1 zero, 2 special, 3 empty (Intel SDM vol. 1, 8.1.7).</summary>
    static V FullTags(this Lift x)
    {
        V relative = x.E.Const(I16, 0), top = x.E.Get(I8, "ftop"), used = x.E.Get(I8, "ftag");
        for (int n = 0; n < 8; n++)
        {
            V bits = x.St(n).Bits(Int(80)), fraction = bits.Trunc(I64), exponent = (bits >> 64).Trunc(I16) & 0x7fff;
            V zero = exponent.Icmp(Predicate.Eq, 0) & fraction.Icmp(Predicate.Eq, 0);
            V normal = fraction.Icmp(Predicate.Slt, 0) & exponent.Icmp(Predicate.Ne, 0x7fff) & exponent.Icmp(Predicate.Ne, 0);
            V kind = x.E.Select(zero, x.E.Const(I16, 1), x.E.Select(normal, x.E.Const(I16, 0), x.E.Const(I16, 2)));
            V inUse = (used >> (top + n & 7)).Trunc(I1);
            relative |= x.E.Select(inUse, kind, x.E.Const(I16, 3)) << 2 * n;
        }
        return x.E.Emit(Op.Fshl, I16, null, relative, relative, top.Zext(I16) << 1);
    }
}
