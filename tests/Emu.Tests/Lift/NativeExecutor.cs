using System.Buffers.Binary;
using System.Numerics;
using Emu.Ir;
using Emu.Translator.Lowering;
using IrType = Emu.Ir.Type;

namespace Emu.Tests.Lift;

/// <summary>Runs the interpreter's natives on the CPU, from the very assembly that lowering would emit, in the guest's float environment.</summary>
sealed class NativeExecutor : INative
{
    const ulong Args = HostMemory.Natives, Result = Args + 0x100, Guest = Args + 0x140, GuestEnv = Args + 0x150, Host = Args + 0x180, HostEnv = Args + 0x190;
    static readonly Dictionary<string, ulong> stubs = [];
    static ulong free = HostMemory.Natives + 0x1000;

    public uint Mxcsr { get; set; } = 0x1f80;
    public ushort ControlWord { get; set; } = 0x37f;
    public ushort Status { get; set; }

    public void Helper(string name, State state) => throw new NotSupportedException(name);

    public BigInteger[] Run(Detail.Named what, IrType result, IReadOnlyList<(IrType Type, BigInteger[] Lanes)> args)
    {
        var types = args.Select(a => a.Type).ToList();
        string key = $"{what.Name} {what.Immediate} {result} {string.Join(' ', types)}";
        if (!stubs.TryGetValue(key, out ulong stub)) stubs[key] = stub = Build(Scalar(what.Name, types) ?? Natives.Asm(what.Name, what.Immediate, result, types), result, types);

        var data = HostMemory.At(Args, 0x200);
        data.Clear();
        for (int n = 0; n < args.Count; n++) Pack(args[n].Lanes, args[n].Type).TryWriteBytes(data[(32 * n)..], out _, isUnsigned: true);
        BinaryPrimitives.WriteUInt32LittleEndian(data[0x140..], Mxcsr);
        foreach (var (at, word) in new[] { (0x150, ControlWord), (0x154, Status), (0x158, (ushort)0xffff) }) BinaryPrimitives.WriteUInt16LittleEndian(data[at..], word);
        HostMemory.Call(stub);
        Mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(data[0x140..]);
        ControlWord = BinaryPrimitives.ReadUInt16LittleEndian(data[0x150..]);
        Status = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(data[0x154..]) & 0xff);
        var whole = new BigInteger(data.Slice(0x100, 32), isUnsigned: true);
        return [.. Enumerable.Range(0, result.Lanes).Select(n => whole >> n * result.Bits & (BigInteger.One << result.Bits) - 1)];
    }

    static BigInteger Pack(BigInteger[] lanes, IrType t) => lanes.Reverse().Aggregate(BigInteger.Zero, (all, lane) => all << t.Bits | lane);

    /// <summary>Float operations of the IR, which lowering gives to LLVM, as assembly.</summary>
    static NativeAsm? Scalar(string name, List<IrType> args)
    {
        string memory = args is [var t, ..] ? t.Bits switch { 16 => "word", 32 => "dword", _ => "qword" } : "", move = args is [{ Bits: 32 }, ..] ? "vmovd" : "vmovq";
        return name switch
        {
            "fadd" or "fsub" or "fmul" or "fdiv" => new($"{name} st(0), st(1)", "={st},0,{st(1)}"),
            "fsqrt" => new("fsqrt", "={st},0"),
            "fild" => new($"mov [rsp - 8], $1\nfild {memory} ptr [rsp - 8]", "={st},r"),
            "fld" => new($"{move} [rsp - 8], $1\nfld {memory} ptr [rsp - 8]", "={st},x"),
            "fstps" => new("fstp dword ptr [rsp - 8]\nvmovd $0, [rsp - 8]", "=x,{st}"),
            "fstpd" => new("fstp qword ptr [rsp - 8]\nvmovq $0, [rsp - 8]", "=x,{st}"),
            "sqrtss" or "sqrtsd" or "cvtss2sd" or "cvtsd2ss" => new($"v{name} $0, $1, $1", "=x,x"),
            "cvtsi2ss" or "cvtsi2sd" => new($"vxorps $0, $0, $0\nv{name} $0, $0, $1", "=x,r"),
            _ => null,
        };
    }

    static ulong Build(NativeAsm asm, IrType result, List<IrType> args)
    {
        var constraints = asm.Constraints.Split(',').Where(c => c[0] != '~').ToList();
        int first = asm.HasResult ? 1 : 0;
        var operands = new List<string>();
        string load = "", floats = "";
        for (int n = 0; n < constraints.Count; n++)
        {
            var type = n < first ? result : args[n - first];
            string c = constraints[n] == "0" ? constraints[0] : constraints[n], at = $"[{Args + 32u * (uint)(n - first)}]";
            string whole = c.TrimStart('=') switch { "x" => $"ymm{(constraints[n] == "0" ? 0 : n)}", "r" or "q" => constraints[n] == "0" ? "r8" : $"r{8 + n}", var fixedPlace => fixedPlace.Trim('{', '}') };
            operands.Add(Narrow(whole, type));
            if (n < first) continue;
            if (whole.StartsWith("st", StringComparison.Ordinal)) floats = $"fld tword {at}\n{floats}";
            else load += whole.StartsWith("ymm", StringComparison.Ordinal) || whole.StartsWith("xmm", StringComparison.Ordinal) ? $"vmovdqu y{whole[1..]}, {at}\n" : $"mov {Wide(whole)}, {at}\n";
        }
        string text = asm.Template;
        for (int n = operands.Count - 1; n >= 0; n--) text = text.Replace($"${n}", operands[n], StringComparison.Ordinal);
        text = text.Replace(" ptr ", " ", StringComparison.Ordinal).Replace("st(0)", "st0", StringComparison.Ordinal).Replace("st(1)", "st1", StringComparison.Ordinal);
        string store = !asm.HasResult ? "" : operands[0] switch
        {
            "st" => $"fstp tword [{Result}]",
            ['x' or 'y', 'm', ..] v => $"vmovdqu [{Result}], y{v[1..]}",
            var r => $"mov [{Result}], {Wide(r)}",
        };
        var code = HostMemory.Assemble($"""
            org {free}
            push rbx
            stmxcsr [{Host}]
            fnstenv [{HostEnv}]
            ldmxcsr [{Guest}]
            fldenv [{GuestEnv}]
            {floats}{load}{text}
            {store}
            stmxcsr [{Guest}]
            fnstcw [{GuestEnv}]
            fnstsw [{GuestEnv + 4}]
            fninit
            fldenv [{HostEnv}]
            ldmxcsr [{Host}]
            vzeroupper
            pop rbx
            ret
            """);
        ulong at0 = free;
        code.CopyTo(HostMemory.At(at0, code.Length));
        free += (ulong)(code.Length + 15 & ~15);
        return at0;
    }

    /// <summary>A 64-bit or 256-bit register's name at the width of a type.</summary>
    static string Narrow(string r, IrType t) => r[0] switch
    {
        'y' => t.TotalBits > 128 ? r : "x" + r[1..],
        'r' when char.IsDigit(r[1]) => t.Bits switch { 64 => r, 32 => r + "d", 16 => r + "w", _ => r + "b" },
        _ => r,
    };

    static string Wide(string r) => r switch
    {
        ['r', >= '0' and <= '9', ..] => r.TrimEnd('d', 'w', 'b'),
        "eax" or "ax" => "rax",
        "edx" => "rdx",
        _ => r,
    };
}
