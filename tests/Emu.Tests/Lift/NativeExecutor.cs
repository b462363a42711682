using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Emu.Ir;
using Emu.Translator.Lowering;
using IrType = Emu.Ir.Type;

namespace Emu.Tests.Lift;

/// <summary>Runs the interpreter's natives on the CPU, from the very assembly that lowering would emit, on the guest's x87 and MXCSR.</summary>
sealed class NativeExecutor(State state, IMemory memory) : INative
{
    const ulong Args = HostMemory.Natives, Result = Args + 0x100, Registers = Args + 0x140, HostMxcsr = Args + 0x180, HostEnv = Args + 0x190, Fx = Args + 0x200, Ymm = Args + 0x400, Image = Args + 0x600;
    static readonly Dictionary<string, ulong> stubs = [];
    static ulong free = HostMemory.Natives + 0x1000;

    /// <summary>Images of x87 and vector state: the instruction itself, on a copy of the memory.</summary>
    public void Helper(string name, State _)
    {
        if (StateImage.Of(name) is not { } image) throw new NotSupportedException(name);
        if (!stubs.TryGetValue(name, out ulong stub)) stubs[name] = stub = BuildImage(name);
        var bytes = HostMemory.At(Image, image.Size);
        int vectors = GuestState.Vectors;
        memory.Load(state["operand"], bytes);
        state.Bytes.AsSpan(vectors, 512).CopyTo(HostMemory.At(Ymm, 512));
        foreach (var (at, register) in new[] { (0, "rax"), (8, "rdx") }) BinaryPrimitives.WriteUInt64LittleEndian(HostMemory.At(Registers + (ulong)at, 8), state[register]);
        Fxsave.FromState(state, HostMemory.At(Fx, 512));
        HostMemory.Call(stub);
        Fxsave.ToState(HostMemory.At(Fx, 512), state);
        HostMemory.At(Ymm, 512).CopyTo(state.Bytes.AsSpan(vectors));
        if (image.IsStore) memory.Store(state["operand"], bytes);
    }

    static ulong BuildImage(string name)
    {
        string Each(string line) => string.Join('\n', Enumerable.Range(0, 16).Select(n => string.Format(CultureInfo.InvariantCulture, line, n, Ymm + 32u * (uint)n)));
        return Place($"""
            {Each("vmovups ymm{0}, [{1}]")}
            mov eax, [{Registers}]
            mov edx, [{Registers + 8}]
            {(name.EndsWith("16", StringComparison.Ordinal) ? "o16 " + name[..^2] : name)} [{Image}]
            {Each("vmovups [{1}], ymm{0}")}
            """);
    }

    public BigInteger[] Run(Detail.Named what, IrType result, IReadOnlyList<(IrType Type, BigInteger[] Lanes)> args)
    {
        if (what.Name == "wrfsbase") return []; // the host's own thread lives by it; the interpreter adds the state's
        if (what.Name == "touch") return Touch((ulong)args[0].Lanes[0]);
        var types = args.Select(a => a.Type).ToList();
        string key = $"{what.Name} {what.Immediate} {result} {string.Join(' ', types)}";
        if (!stubs.TryGetValue(key, out ulong stub)) stubs[key] = stub = Build(Natives.Asm(what.Name, what.Immediate, result, types), result, types);

        var data = HostMemory.At(Args, 0x200);
        data.Clear();
        for (int n = 0; n < args.Count; n++) Pack(args[n].Lanes, args[n].Type).TryWriteBytes(data[(32 * n)..], out _, isUnsigned: true);
        Fxsave.FromState(state, HostMemory.At(Fx, 512));
        HostMemory.Call(stub);
        Fxsave.ToState(HostMemory.At(Fx, 512), state);
        var whole = new BigInteger(data.Slice(0x100, 32), isUnsigned: true);
        return [.. Enumerable.Range(0, result.Lanes).Select(n => whole >> n * result.Bits & (BigInteger.One << result.Bits) - 1)];
    }

    BigInteger[] Touch(ulong address)
    {
        Span<byte> there = [0];
        memory.Load(address, there);
        memory.Store(address, there);
        return [];
    }

    static BigInteger Pack(BigInteger[] lanes, IrType t) => lanes.Reverse().Aggregate(BigInteger.Zero, (all, lane) => all << t.Bits | lane);

    static ulong Build(NativeAsm asm, IrType result, List<IrType> args)
    {
        var constraints = asm.Constraints.Split(',').Where(c => c[0] != '~').ToList();
        int first = asm.HasResult ? 1 : 0;
        var operands = new List<string>();
        string load = "";
        for (int n = 0; n < constraints.Count; n++)
        {
            var type = n < first ? result : args[n - first];
            ulong place = n < first ? Result : Args + 32u * (uint)(n - first);
            if (constraints[n].EndsWith('m')) { operands.Add($"[{place}]"); continue; }
            string c = constraints[n] == "0" ? constraints[0] : constraints[n];
            string whole = c.TrimStart('=') switch { "x" => $"ymm{(constraints[n] == "0" ? 0 : n)}", "r" or "q" => constraints[n] == "0" ? "r8" : $"r{8 + n}", var fixedPlace => fixedPlace.Trim('{', '}') };
            operands.Add(Narrow(whole, type));
            if (n >= first) load += whole.StartsWith("ymm", StringComparison.Ordinal) || whole.StartsWith("xmm", StringComparison.Ordinal) ? $"vmovdqu y{whole[1..]}, [{place}]\n" : $"mov {Wide(whole)}, [{place}]\n";
        }
        string text = asm.Template;
        for (int n = operands.Count - 1; n >= 0; n--) text = text.Replace($"${n}", operands[n], StringComparison.Ordinal);
        foreach (var (llvm, nasm) in new[] { (" ptr ", " "), (";", "\n"), (".byte", "db"), ("tbyte", "tword"), ("xmmword", "oword") }) text = text.Replace(llvm, nasm, StringComparison.Ordinal);
        if (text[0] == 'p') text = text.Replace(",qword [", ",[", StringComparison.Ordinal).Replace(",dword [", ",[", StringComparison.Ordinal); // nasm wants none with some
        string store = !asm.HasResult || constraints[0] == "=*m" ? "" : operands[0] switch
        {
            ['x' or 'y', 'm', ..] v => $"vmovdqu [{Result}], y{v[1..]}",
            var r => $"mov [{Result}], {Wide(r)}",
        };
        return Place($"{load}{text}\n{store}");
    }

    /// <summary>Code that runs <paramref name="text"/> on the guest's x87 and MXCSR, which lie as fxsave stores them at <see cref="Fx"/>.</summary>
    static ulong Place(string text)
    {
        var code = HostMemory.Assemble($"""
            org {free}
            push rbx
            stmxcsr [{HostMxcsr}]
            fnstenv [{HostEnv}]
            fninit
            fxrstor64 [{Fx}]
            {text}
            fxsave64 [{Fx}]
            fninit
            fldenv [{HostEnv}]
            ldmxcsr [{HostMxcsr}]
            vzeroupper
            pop rbx
            ret
            """);
        ulong at = free;
        code.CopyTo(HostMemory.At(at, code.Length));
        free += (ulong)(code.Length + 15 & ~15);
        return at;
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
