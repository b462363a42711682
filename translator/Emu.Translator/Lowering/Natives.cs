using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Lowering;

/// <summary>LLVM inline assembly in the Intel dialect. Operand 0 is the result, unless there is none.</summary>
/// <param name="Template">The instructions; $0, $1 ... are operands.</param>
/// <param name="Constraints">LLVM's constraint string (LLVM Language Reference, "Inline Asm Constraint String").</param>
/// <param name="HasSideEffects">Reads or writes MXCSR, the x87 control word or time: keeps its place among its like.</param>
/// <param name="HasResult">Whether the assembly defines a value; otherwise its type is void.</param>
public sealed record NativeAsm(string Template, string Constraints, bool HasSideEffects = false, bool HasResult = true)
{
    /// <summary>The constraints of result and operands, without what is clobbered.</summary>
    public string[] Operands => [.. Constraints.Split(',').TakeWhile(c => c[0] != '~')];
}

/// <summary>How each <see cref="Op.Native"/> is said to the host's assembler. The host is x86-64-v3, so vectors use the VEX forms.</summary>
public static class Natives
{
    /// <summary>What a native outside the x87 may change besides its result.</summary>
    const string Flags = ",~{flags}"; // and no more: LLVM looks such names up in every register class

    /// <summary>The assembly for native <paramref name="name"/>; most follow one pattern, v + name.</summary>
    public static NativeAsm Asm(string name, int? immediate, IrType result, IReadOnlyList<IrType> args) =>
        IsText(name) ? Host(name, result, args) : System(name) ?? Integer(name) ?? Text(name, immediate) ?? InPlace(name, immediate) ?? Vector(name, immediate, result, args);

    static NativeAsm Vector(string name, int? immediate, IrType result, IReadOnlyList<IrType> args)
    {
        var operands = Enumerable.Range(0, args.Count + 1).Select(n => $"${n}").ToList();
        if (immediate is { } imm) operands.Add($"{imm}");
        // Without {vex3} the assembler swaps the sources of what it thinks commutes, for a shorter encoding: another NaN would survive.
        string encoding = name.StartsWith("add", StringComparison.Ordinal) || name.StartsWith("mul", StringComparison.Ordinal) ? "{vex3} " : "";
        return new($"{encoding}v{name} {string.Join(", ", operands)}", string.Join(',', args.Select(Place).Prepend("=" + Place(result))) + Flags, UsesMxcsr(name));
    }

    /// <summary>Arithmetic that MXCSR governs: never dropped, moved before or behind a change of MXCSR, or done at translation time.</summary>
    static bool UsesMxcsr(string name) => mxcsrStems.Any(s => name.StartsWith(s, StringComparison.Ordinal));

    static readonly string[] mxcsrStems = ["add", "sub", "mul", "div", "sqrt", "min", "max", "cmp", "cvt", "round", "dpp", "hadd", "hsub", "fm", "fnm"];

    /// <summary>The same assembly with its last operand in memory; null for those that have no such form.</summary>
    public static NativeAsm? InMemory(NativeAsm asm, IrType operand)
    {
        var constraints = asm.Constraints.Split(',');
        int last = Array.FindLastIndex(constraints, c => c[0] != '~');
        if (last < 1 || constraints[last] is not ("x" or "r") || asm.Template[0] is not ('v' or '{' or 's')) return null;
        constraints[last] = "*m";
        return asm with { Template = asm.Template.Replace($"${last}", $"{Sized(operand)} ptr ${last}", StringComparison.Ordinal), Constraints = string.Join(',', constraints) };
    }

    static string Place(IrType t) => t.IsFloat || t.IsVector ? "x" : "r";

    /// <summary>What the hardware computes in its first source.</summary>
    static NativeAsm? InPlace(string name, int? immediate)
    {
        if (name is ['f', 'm', ..] or ['f', 'n', 'm', ..]) return new($"v{name} $0, $2, $3", "=x,0,x,x" + Flags, HasSideEffects: true);
        if (name == "sha256rnds2") return new($"{name} $0, $3", "={xmm1},0,{xmm0},x" + Flags);
        if (name.StartsWith("sha", StringComparison.Ordinal)) return new($"{name} $0, $2{(immediate is { } i ? $", {i}" : "")}", "=x,0,x" + Flags);
        return null;
    }

    static NativeAsm? Integer(string name) => name switch
    {
        "immediate32" => new("movsxd $0, dword ptr [$1]", "=r,r" + Flags, HasSideEffects: true),
        "immediate64" => new("mov $0, qword ptr [$1]", "=r,r" + Flags, HasSideEffects: true),
        "bextr" or "bzhi" or "pext" or "pdep" => new($"{name} $0, $1, $2", "=r,r,r" + Flags),
        _ => null,
    };

    /// <summary>Texts: ecx, and above it ax with the flags (ah from lahf, al from seto).</summary>
    static NativeAsm? Text(string name, int? immediate)
    {
        string clobbers = ",~{rcx}" + Flags, pack = "lahf\nseto al\nmovzx eax, ax\nshl rax, 32\nor rax, rcx";
        return name switch
        {
            "crc32" => new("crc32 $0, $2", "=r,0,r" + Flags),
            "pcmpistri" => new($"vpcmpistri $1, $2, {immediate}\n{pack}", "={rax},x,x" + clobbers),
            "pcmpestri" => new($"vpcmpestri $1, $2, {immediate}\n{pack}", "={rax},x,x,{eax},{edx}" + clobbers),
            "pcmpistrm" => new($"vpcmpistrm $1, $2, {immediate}", "={xmm0},x,x" + Flags),
            "pcmpestrm" => new($"vpcmpestrm $1, $2, {immediate}", "={xmm0},x,x,{eax},{edx}" + Flags),
            _ => null,
        };
    }

    static NativeAsm? System(string name) => name switch
    {
        "rdtsc" => new("rdtsc\nshl rdx, 32\nor rax, rdx", "={rax},~{rdx}" + Flags, HasSideEffects: true),
        "tscaux" => new("rdtscp\nmov eax, ecx", "={rax},~{rcx},~{rdx}" + Flags, HasSideEffects: true),
        "rdrand" or "rdseed" => new($"{name} $0", "=r" + Flags, HasSideEffects: true),
        "wrfsbase" => Void("wrgsbase $0", "r" + Flags), // the guest's fs is the host's gs
        "pause" => Void("pause", Flags[1..]),
        "lar" or "lsl" => new($"xor eax, eax\n{name} eax, ecx\nsetz cl\nmovzx ecx, cl\nshl rcx, 32\nor rax, rcx", "={rax},{rcx},~{rcx}" + Flags),
        "verr" or "verw" => new($"{name} cx\nsetz al\nmovzx eax, al", "={rax},{rcx}" + Flags),
        "sldt" or "str" or "smsw" => new($"xor eax, eax\n{name} rax", "={rax}" + Flags, HasSideEffects: true),
        "sgdt_limit" or "sidt_limit" => new(OnStack($"{name[..4]} [rsp]\nmov $0, word ptr [rsp]"), "=r" + Flags, HasSideEffects: true),
        "sgdt_base" or "sidt_base" => new(OnStack($"{name[..4]} [rsp]\nmov $0, qword ptr [rsp + 2]"), "=r" + Flags, HasSideEffects: true),
        "ucomiss" or "ucomisd" or "comiss" or "comisd" => Void($"v{name} $0, $1", "x,x" + Flags),
        "touch" => Void("lock or byte ptr [$0], 0", "r,~{memory}" + Flags), // faults where a store would, and changes nothing
        "mfence" => Void("mfence", "~{memory}" + Flags),
        "ldmxcsr" => Void(OnStack("mov dword ptr [rsp], $0\nvldmxcsr dword ptr [rsp]"), "r" + Flags),
        "stmxcsr" => new(OnStack("vstmxcsr dword ptr [rsp]\nmov $0, dword ptr [rsp]"), "=r" + Flags, HasSideEffects: true),
        _ => null,
    };

    /// <summary>A text with its operands in place: memory where it says "ptr $n", else registers. A result that no operand names is ax.</summary>
    static NativeAsm Host(string text, IrType result, IReadOnlyList<IrType> args)
    {
        int count = Enumerable.Range(0, 4).Count(n => text.Contains($"${n}", StringComparison.Ordinal));
        bool inAx = text.EndsWith(" ax", StringComparison.Ordinal) || text.EndsWith(";lahf", StringComparison.Ordinal), hasResult = count > args.Count || inAx;
        string Constraint(int n, string place) => text.Contains($"ptr ${n}", StringComparison.Ordinal) ? "*m" : place;
        var constraints = new List<string>();
        if (hasResult) constraints.Add("=" + (inAx ? "{ax}" : Constraint(0, Place(result))));
        constraints.AddRange(args.Select((t, n) => Constraint(n + (hasResult && !inAx ? 1 : 0), Place(t))));
        return new(text, string.Join(',', constraints) + (constraints.Count == 0 ? Flags[1..] : Flags), HasSideEffects: true, hasResult);
    }

    /// <summary>Whether an instruction's text is for <see cref="Op.Host"/>: names of natives have no blanks.</summary>
    public static bool IsText(string name) => name.Contains(' ', StringComparison.Ordinal);

    static NativeAsm Void(string template, string constraints) => new(template, constraints, HasSideEffects: true, HasResult: false);
    static string Sized(IrType t) => t.Bytes switch { 1 => "byte", 2 => "word", 4 => "dword", 8 => "qword", 10 => "tbyte", 16 => "xmmword", _ => "ymmword" };

    /// <summary>With scratch memory at [rsp], beyond the red zone (System V ABI 3.2.2); the flags stay.</summary>
    static string OnStack(string template) => $"lea rsp, [rsp - 160]\n{template}\nlea rsp, [rsp + 160]";
}
