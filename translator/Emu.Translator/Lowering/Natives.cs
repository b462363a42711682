using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Translator.Lowering;

/// <summary>LLVM inline assembly in the Intel dialect. Operand 0 is the result, unless there is none.</summary>
/// <param name="Template">The instructions; $0, $1 ... are operands.</param>
/// <param name="Constraints">LLVM's constraint string (LLVM Language Reference, "Inline Asm Constraint String").</param>
/// <param name="HasSideEffects">Reads or writes MXCSR, the x87 control word or time: keeps its place among its like.</param>
/// <param name="HasResult">Whether the assembly defines a value; otherwise its type is void.</param>
public sealed record NativeAsm(string Template, string Constraints, bool HasSideEffects = false, bool HasResult = true);

/// <summary>How each <see cref="Op.Native"/> is said to the host's assembler. The host is x86-64-v3, so vectors use the VEX forms.</summary>
public static class Natives
{
    /// <summary>What a native outside the x87 may change besides its result.</summary>
    const string Flags = ",~{dirflag},~{fpsr},~{flags}";

    /// <summary>The assembly for native <paramref name="name"/>; most follow one pattern, v + name.</summary>
    public static NativeAsm Asm(string name, int? immediate, IrType result, IReadOnlyList<IrType> args) =>
        System(name) ?? Integer(name) ?? X87(name, result) ?? Text(name, immediate) ?? InPlace(name, immediate) ?? Vector(name, immediate, result, args);

    static NativeAsm Vector(string name, int? immediate, IrType result, IReadOnlyList<IrType> args)
    {
        var operands = Enumerable.Range(0, args.Count + 1).Select(n => $"${n}").ToList();
        // The scalar forms take the lanes above the result from a further source.
        if (name is "rcpss" or "rsqrtss" or "roundss" or "roundsd") operands.Add("$1");
        if (immediate is { } imm) operands.Add($"{imm}");
        bool rounds = new[] { "cvt", "round", "dpp", "addsub" }.Any(s => name.StartsWith(s, StringComparison.Ordinal)) && !name.StartsWith("cvtt", StringComparison.Ordinal);
        return new($"v{name} {string.Join(", ", operands)}", string.Join(',', args.Select(Place).Prepend("=" + Place(result))) + Flags, rounds);
    }

    static string Place(IrType t) => t.IsFloat || t.IsVector ? "x" : "r";

    /// <summary>What the hardware computes in its first source.</summary>
    static NativeAsm? InPlace(string name, int? immediate)
    {
        if (name is ['f', 'm', ..] or ['f', 'n', 'm', ..]) return new($"v{name} $0, $2, $3", "=x,0,x,x" + Flags, HasSideEffects: true);
        if (name == "sha256rnds2") return new($"{name} $0, $2", "={xmm1},0,x,{xmm0}" + Flags);
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
        "mfence" => Void("mfence", "~{memory}" + Flags),
        "ldmxcsr" => Void(OnStack("mov dword ptr [rsp], $0\nvldmxcsr dword ptr [rsp]"), "r" + Flags),
        "stmxcsr" => new(OnStack("vstmxcsr dword ptr [rsp]\nmov $0, dword ptr [rsp]"), "=r" + Flags, HasSideEffects: true),
        "fldcw" => Void(OnStack("mov word ptr [rsp], $0\nfldcw word ptr [rsp]"), "r" + Flags),
        "fnclex" => Void("fnclex", Flags[1..]),
        "fnstsw" => new("fnstsw ax", "={ax}" + Flags, HasSideEffects: true),
        "fldstatus" => Void(OnStack("fnstenv [rsp]\nmov byte ptr [rsp + 4], $0\nfldenv [rsp]"), "q" + Flags),
        _ => null,
    };

    static NativeAsm? X87(string name, IrType result) => name switch
    {
        "fchs" or "fabs" => new(name, "={st},0" + Flags),
        "fsin" or "fcos" or "f2xm1" or "frndint" => InPlace(name),
        "fxtract" => InPlace("fxtract\nfstp st(1)"),
        "fxtract_exponent" => InPlace("fxtract\nfstp st(0)"),
        "fptan" => InPlace("fptan\nfstp st(0)"),
        "fptan_one" => InPlace("fptan\nfstp st(1)"),
        "fscale" or "fprem" or "fprem1" => new(name, "={st},0,{st(1)}" + Flags, HasSideEffects: true),
        "fyl2x" or "fyl2xp1" or "fpatan" => new(name, "={st},0,{st(1)},~{st(1)}" + Flags, HasSideEffects: true),
        "fprem_status" or "fprem1_status" => new($"{name[..^7]}\nfnstsw ax\nfstp st(0)\nfstp st(0)", "={ax},{st},{st(1)},~{st},~{st(1)}" + Flags, HasSideEffects: true),
        "fxam_status" => new("fxam\nfnstsw ax", "={ax},{st}" + Flags),
        "fistp" or "fisttp" => new(OnStack($"{name} {Sized(result)} ptr [rsp]\nmov $0, {Sized(result)} ptr [rsp]"), "=r,{st},~{st}" + Flags, HasSideEffects: true),
        _ when name.StartsWith("fld", StringComparison.Ordinal) => new(name, "={st}" + Flags, HasSideEffects: true),
        _ => null,
    };

    static NativeAsm InPlace(string template) => new(template, "={st},0" + Flags, HasSideEffects: true);
    static NativeAsm Void(string template, string constraints) => new(template, constraints, HasSideEffects: true, HasResult: false);
    static string Sized(IrType t) => t.Bits switch { 16 => "word", 32 => "dword", _ => "qword" };

    /// <summary>With scratch memory at [rsp], beyond the red zone (System V ABI 3.2.2); the flags stay.</summary>
    static string OnStack(string template) => $"lea rsp, [rsp - 160]\n{template}\nlea rsp, [rsp + 160]";
}
