using Emu.Ir;
using Iced.Intel;

namespace Emu.Translator.X86;

/// <summary>What an instruction does, said through <see cref="Lift"/>.</summary>
public delegate void Semantics(Lift x);

/// <summary>Mnemonic to semantics. A family file adds its rows in <c>Define</c>; nothing else knows the mnemonic.</summary>
public sealed class Rules
{
    readonly Dictionary<Mnemonic, Semantics> rows = [];

    /// <summary>Every row of every family.</summary>
    public static readonly Rules All = new Rules()
        .With(Moves.Define).With(Integer.Define).With(Multiply.Define).With(Shifts.Define).With(BitOps.Define)
        .With(Control.Define).With(Segments.Define).With(Strings.Define).With(SystemRows.Define)
        .With(VectorMoves.Define).With(Packed.Define).With(Floats.Define).With(Shuffles.Define).With(Conversions.Define)
        .With(Bmi.Define).With(Avx.Define).With(Fma.Define).With(MaskedMoves.Define).With(Gathers.Define).With(Crypto.Define)
        .With(X87.Define).With(Mmx.Define);

    Rules With(Action<Rules> define)
    {
        define(this);
        return this;
    }

    public IEnumerable<Mnemonic> Mnemonics => rows.Keys;

    /// <summary>A mnemonic's row: null when it is not lifted; defining it twice is an error.</summary>
    public Semantics? this[Mnemonic m]
    {
        get => rows.GetValueOrDefault(m);
        set => rows.Add(m, value!);
    }

    /// <summary>One row for all sixteen conditions: <c>cmov</c> defines cmova ... cmovs.</summary>
    public void Each(string prefix, Semantics s)
    {
        foreach (var name in "o no b ae e ne be a s ns p np l ge le g".Split(' ')) this[Enum.Parse<Mnemonic>(prefix + name, ignoreCase: true)] = s;
    }

    /// <summary>Also defines the VEX twin (<c>addps</c> and <c>vaddps</c>); <see cref="Lift"/> knows the difference.</summary>
    public void Twins(string name, Semantics s)
    {
        this[Enum.Parse<Mnemonic>(name, ignoreCase: true)] = s;
        if (Enum.TryParse<Mnemonic>("v" + name, ignoreCase: true, out var vex)) this[vex] = s;
    }

    /// <summary>Defines what only VEX has.</summary>
    public void Vex(string name, Semantics s) => this[Enum.Parse<Mnemonic>(name, ignoreCase: true)] = s;

    /// <summary>How the trap of an instruction begins that guests are told they do not have.</summary>
    public const string NotAFeature = "not a feature of the CPU that guests see: ";

    /// <summary>The trap of a <c>popf</c> that sets TF: the core goes on from there, instruction by instruction.</summary>
    public const string SetsTrapFlag = "popf sets the trap flag";

    /// <summary>Lifts one instruction; what has no row becomes a trap that names it. <paramref name="index"/>: the register to keep for a jump table.</summary>
    public static void LiftInto(Emitter e, in Instruction i, bool explodeRep, string? text, string? index = null, bool isPatched = false)
    {
        e.Insn(i.IP, i.Length, text);
        if (index != null) e.Set("index", e.Get(Emu.Ir.Type.I64, index));
        var x = new Lift(e, i, explodeRep) { IsPatched = isPatched };
        if (Idioms.Lift(x)) { }
        else if (Mmx.Uses(i) && i.Mnemonic != Mnemonic.Maskmovq && Features.Has(i.Code)) Mmx.Any(x);
        else if (All[i.Mnemonic] is { } rule && i.Encoding is EncodingKind.Legacy or EncodingKind.VEX) rule(x);
        else if (i.IsPrivileged) x.E.Trap(Signal.Segv, $"privileged {i}");
        else if (Features.IsAvx512(i.Code)) x.Unsupported("unsupported AVX-512");
        else if (!Features.Has(i.Code)) x.E.Trap(Signal.Ill, NotAFeature + i);
        else x.Unsupported();
    }
}
