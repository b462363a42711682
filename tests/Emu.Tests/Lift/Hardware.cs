using System.Buffers.Binary;
using Emu.Ir;

namespace Emu.Tests.Lift;

/// <summary>Runs guest instructions on the host CPU: the guest is x86-64 and so is the host, so it is its own oracle.</summary>
/// <remarks>
/// All sixteen general registers, flags, vector and x87 registers are the guest's while its code runs. The code ends at
/// <see cref="After"/> or at <see cref="Elsewhere"/>, where branches are made to go.
/// </remarks>
static class Hardware
{
    const ulong Gprs = HostMemory.Data, Rflags = Gprs + 0x80, Pc = Gprs + 0x88, HostSp = Gprs + 0x90, HostMxcsr = Gprs + 0x98, HostEnv = Gprs + 0xa0,
        Fx = Gprs + 0x100, Ymm = Gprs + 0x300, StackTop = Gprs + 0x2000;

    /// <summary>Where a sample's short branch goes, and any other.</summary>
    public const ulong Near = HostMemory.Slot + 0x60, Elsewhere = HostMemory.Slot + 0x800;

    static readonly ulong leave = Build();

    static ulong Build()
    {
        var all = Enumerable.Range(0, 16).ToList();
        string Each(Func<int, string> line) => string.Join('\n', all.Select(line));
        string enter = $"""
            push rbx
            push rbp
            push r12
            push r13
            push r14
            push r15
            mov [{HostSp}], rsp
            stmxcsr [{HostMxcsr}]
            fnstenv [{HostEnv}]
            fninit
            fxrstor64 [{Fx}]
            {Each(n => $"vmovdqu ymm{n}, [{Ymm + 32u * (uint)n}]")}
            mov rsp, {StackTop}
            push qword [{Rflags}]
            popfq
            {Each(n => $"mov {GuestState.Gprs[n]}, [{Gprs + 8u * (uint)n}]")}
            jmp {HostMemory.Slot}
            """;
        string exit = $"""
            mov [{Gprs + 32}], rsp
            mov rsp, {StackTop}
            pushfq
            pop qword [{Rflags}]
            cld
            {Each(n => n == 4 ? "" : $"mov [{Gprs + 8u * (uint)n}], {GuestState.Gprs[n]}")}
            {Each(n => $"vmovdqu [{Ymm + 32u * (uint)n}], ymm{n}")}
            fxsave64 [{Fx}]
            fninit
            fldenv [{HostEnv}]
            ldmxcsr [{HostMxcsr}]
            vzeroupper
            mov rsp, [{HostSp}]
            pop r15
            pop r14
            pop r13
            pop r12
            pop rbp
            pop rbx
            ret
            """;
        var first = HostMemory.Assemble($"org {HostMemory.Stub}\n{enter}");
        first.CopyTo(HostMemory.At(HostMemory.Stub, 0x1000));
        ulong at = HostMemory.Stub + 0x800;
        HostMemory.Assemble($"org {at}\n{exit}").CopyTo(HostMemory.At(at, 0x800));
        return at;
    }

    static readonly string? trace = Environment.GetEnvironmentVariable("EMU_TRACE");

    /// <summary>Names the case being run in the file $EMU_TRACE, for when the CPU faults and takes the test process with it.</summary>
    public static void Trace(Func<string> what)
    {
        if (trace != null) File.WriteAllText(trace, what());
    }

    /// <summary>Makes <paramref name="code"/>, assembled for <see cref="HostMemory.Slot"/>, what <see cref="Run"/> runs.</summary>
    public static void Prepare(ReadOnlySpan<byte> code)
    {
        code.CopyTo(HostMemory.At(HostMemory.Slot, 0x700));
        Land(HostMemory.Slot + (ulong)code.Length);
        if (code.Length < 0x40) Land(Near);
        Land(Elsewhere);
    }

    /// <summary>Code at <paramref name="at"/> that notes it came there and leaves: mov qword [Pc], at; jmp leave.</summary>
    static void Land(ulong at)
    {
        var code = HostMemory.At(at, 17);
        ReadOnlySpan<byte> mov = [0x48, 0xc7, 0x04, 0x25];
        mov.CopyTo(code);
        BinaryPrimitives.WriteUInt32LittleEndian(code[4..], (uint)Pc);
        BinaryPrimitives.WriteUInt32LittleEndian(code[8..], (uint)at);
        code[12] = 0xe9;
        BinaryPrimitives.WriteUInt32LittleEndian(code[13..], (uint)(leave - (at + 17)));
    }

    /// <summary>Runs the prepared code from state <paramref name="s"/>, which becomes the state after it; gives the PC it ended at.</summary>
    public static ulong Run(State s)
    {
        var data = HostMemory.At(Gprs, 0x600);
        s.Bytes.AsSpan(0, 0x80).CopyTo(data);
        BinaryPrimitives.WriteUInt64LittleEndian(data[0x80..], s.Rflags);
        s.Bytes.AsSpan(GuestState.Vectors, 512).CopyTo(data[0x300..]);
        Fxsave.FromState(s, data.Slice(0x100, 512));
        HostMemory.Call(HostMemory.Stub);
        data[..0x80].CopyTo(s.Bytes);
        ulong rflags = BinaryPrimitives.ReadUInt64LittleEndian(data[0x80..]);
        s.Flags = GuestState.FlagBytes.Where(f => (rflags >> f.RflagsBit & 1) != 0).Aggregate(Flag.None, (all, f) => all | f.Flag);
        s["df"] = rflags >> 10 & 1;
        data.Slice(0x300, 512).CopyTo(s.Bytes.AsSpan(GuestState.Vectors));
        Fxsave.ToState(data.Slice(0x100, 512), s);
        return BinaryPrimitives.ReadUInt64LittleEndian(data[0x88..]);
    }
}

/// <summary>The FXSAVE image (Intel SDM vol. 1, table 10-2): its x87 registers are relative to the top.</summary>
static class Fxsave
{
    public static void FromState(State s, Span<byte> image)
    {
        int top = (int)s["ftop"];
        image.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(image, (ushort)s["fcw"]);
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], (ushort)(s["fsw"] | (uint)top << 11));
        image[4] = (byte)s["ftag"];
        BinaryPrimitives.WriteUInt32LittleEndian(image[24..], (uint)s["mxcsr"]);
        for (int n = 0; n < 8; n++) Physical(s, top + n).CopyTo(image[(32 + 16 * n)..]);
        for (int n = 0; n < 16; n++) s.Bytes.AsSpan(GuestState.Vectors + 32 * n, 16).CopyTo(image[(160 + 16 * n)..]);
    }

    public static void ToState(ReadOnlySpan<byte> image, State s)
    {
        uint status = BinaryPrimitives.ReadUInt16LittleEndian(image[2..]);
        int top = (int)(status >> 11 & 7);
        (s["fcw"], s["fsw"], s["ftop"]) = (BinaryPrimitives.ReadUInt16LittleEndian(image), status & 0xc7ff, (ulong)top);
        (s["ftag"], s["mxcsr"]) = (image[4], BinaryPrimitives.ReadUInt32LittleEndian(image[24..]));
        for (int n = 0; n < 8; n++) image.Slice(32 + 16 * n, 10).CopyTo(Physical(s, top + n));
    }

    static Span<byte> Physical(State s, int n) => s.Bytes.AsSpan(GuestState.X87 + 16 * (n & 7), 10);
}
