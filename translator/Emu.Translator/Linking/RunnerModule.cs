using System.Globalization;
using System.Text;
using Emu.Ir;
using Emu.Translator.Lowering;
using Emu.Translator.X86;
using LLVMSharp.Interop;

namespace Emu.Translator.Linking;

/// <summary>What a runner holds besides code.</summary>
/// <param name="GuestPath">The guest's file: embedded, and what /proc/self/exe shows.</param>
/// <param name="ImageBase">Where a static-PIE guest is placed; 0 for ET_EXEC.</param>
/// <param name="Roots">Every root that has a region, and how code gets there.</param>
/// <param name="Meta">The plugins' description (JSON); empty without plugins.</param>
/// <param name="StreamPaths">A stream's own file, or null for the data file.</param>
public sealed record RunnerContents(string GuestPath, ulong ImageBase, IReadOnlyList<(ulong Pc, Reach Reach)> Roots, byte[] Meta, IReadOnlyList<string?> StreamPaths, FallbackReference Fallback)
{
    /// <summary>Whether registers are known where the code faults.</summary>
    public bool ExactFaults { get; init; }

    /// <summary>Whether stack and mappings are at the same addresses in each run.</summary>
    public bool HasFixedAddresses { get; init; }

    /// <summary>How the runner has programs translated that it executes (runtime/core/exec.c); "": it does not.</summary>
    public string Follow { get; init; } = "";

    /// <summary>Roots that regions call and that were not translated ahead of time.</summary>
    public IReadOnlyList<ulong> Stubs { get; init; } = [];

    /// <summary>The dynamic linker that the program asks for: the first module.</summary>
    public string? Interpreter { get; init; }

    /// <summary>Whether probes may use the C library.</summary>
    public bool HasProbes { get; init; }

    /// <summary>The files besides the program that there is code of.</summary>
    public IReadOnlyList<Closure.Module> Modules { get; init; } = [];
}

/// <summary>How code gets to a root: what is looked up most comes first, and is first in the dispatch table.</summary>
public enum Reach
{
    /// <summary>Through the PLT or GOT.</summary>
    ByName,
    /// <summary>Otherwise by pointer.</summary>
    ByPointer,
    /// <summary>By direct calls and jumps.</summary>
    Directly,
}

/// <summary>What serves PCs that have no region: the program, what runs it when it is a .dll, and the name of the build that both must share.</summary>
public sealed record FallbackReference(string Path, string Host, string Build)
{
    public static readonly FallbackReference None = new("", "", "");
}

/// <summary>The object with a runner's data: guest image, dispatch table, metadata (ARCHITECTURE.md, "The runner").</summary>
public static class RunnerModule
{
    public static byte[] Emit(RunnerContents c)
    {
        using var m = new ModuleWriter("runner");
        string text = Assembly(c);
        var symbols = new ModuleSymbols(m, PluginData.None);
        Bridges.Write(symbols);
        symbols.Finish();
        LLVM.SetModuleInlineAsm2(m.Module, text, (nuint)Encoding.UTF8.GetByteCount(text));
        return Codegen.Emit(m, 0);
    }

    static string Assembly(RunnerContents c)
    {
        var s = new StringBuilder();
        s.Append($"""
            .section .emu_image,"a",@progbits
            .balign 4096
            .globl emu_image, emu_image_end
            emu_image: .incbin {Quote(c.GuestPath)}
            emu_image_end:
            .balign 4096
            .section .rodata,"a",@progbits
            .balign 16
            .globl emu_image_base, emu_image_name, emu_features, emu_features_end, emu_meta, emu_meta_end, emu_stream_paths, emu_dispatch_table, emu_dispatch_mask, emu_roots, emu_roots_end, emu_root_regions
            .globl emu_exact_faults, emu_fixed_addresses, emu_build_name, emu_fallback_path, emu_fallback_host, emu_follow
            emu_image_base: .quad {c.ImageBase}
            emu_stream_paths:

            """);
        for (int n = 0; n < Streams; n++) s.Append(n < c.StreamPaths.Count && c.StreamPaths[n] != null ? $".quad emu_path_{n}\n" : ".quad 0\n");
        for (int n = 0; n < c.StreamPaths.Count; n++) if (c.StreamPaths[n] is { } path) s.Append($"emu_path_{n}: .asciz {Quote(path)}\n");
        s.Append($"emu_image_name: .asciz {Quote(c.GuestPath)}\nemu_meta:\n");
        foreach (var line in c.Meta.Chunk(64)) s.Append(".byte ").AppendJoin(',', line).Append('\n');
        s.Append("emu_meta_end:\n");
        CpuFeatures(s);
        s.Append($"emu_exact_faults: .byte {(c.ExactFaults ? 1 : 0)}\nemu_fixed_addresses: .byte {(c.HasFixedAddresses ? 1 : 0)}\nemu_build_name: .asciz {Quote(c.Fallback.Build)}\nemu_fallback_path: .asciz {Quote(c.Fallback.Path)}\nemu_fallback_host: .asciz {Quote(c.Fallback.Host)}\nemu_follow: .asciz {Quote(c.Follow)}\n");
        if (c.HasProbes) s.Append(".globl emu_probes_libc\n.balign 8\nemu_probes_libc: .quad fflush, flockfile, funlockfile, __ofl_lock, __ofl_unlock, stdin, stdout, stderr\n"); // runtime/core/libc.c
        Modules(c, s);
        Table(c.Roots, s);
        Stubs(c.Stubs, s);
        return s.ToString();
    }

    /// <summary>For <c>cpuid</c> (runtime/core/cpuid.c): of each leaf the bits that guests see.</summary>
    static void CpuFeatures(StringBuilder s)
    {
        s.Append(".balign 4\nemu_features:\n");
        foreach (uint leaf in Features.All.Select(f => f.Leaf).Distinct())
            s.Append(CultureInfo.InvariantCulture, $".long {leaf},").AppendJoin(',', "abcd".Select(r => Features.Mask(leaf, r))).Append('\n');
        s.Append("emu_features_end:\n");
    }

    /// <summary>struct emu_module of runtime/core/emu.h.</summary>
    static void Modules(RunnerContents c, StringBuilder s)
    {
        s.Append($".globl emu_interpreter, emu_modules, emu_modules_end\nemu_interpreter: .asciz {Quote(c.Interpreter ?? "")}\n");
        foreach (var (n, m) in c.Modules.Index()) s.Append($"emu_module_{n}: .asciz {Quote(m.Path)}\n");
        s.Append(".balign 8\nemu_modules:\n");
        foreach (var (n, m) in c.Modules.Index())
        {
            var (code, id) = (m.Image.Segments.Where(g => g.IsExecutable).ToArray(), m.Identity);
            ulong[] words = [m.Image.Base, m.Range.From, m.Range.To, .. code.Length == 0 ? [0ul, 0, 0] : new[] { code[0].Address, code[^1].End, code[0].FileOffset },
                id.Device, id.Inode, id.Size, id.Modified, id.Changed, id.Hash];
            s.Append(CultureInfo.InvariantCulture, $".quad emu_module_{n}").AppendJoin("", words.Select(w => $",{w}")).Append('\n');
        }
        s.Append("emu_modules_end:\n");
    }

    /// <summary>Each jumps to emu_stub at first, which has it jump to the region that it finds (runtime/core/stub.S).</summary>
    static void Stubs(IReadOnlyList<ulong> roots, StringBuilder s)
    {
        s.Append(".section .data,\"aw\",@progbits\n.balign 8\nemu_stub_targets:\n");
        foreach (var _ in roots) s.Append(".quad emu_stub\n");
        s.Append(".section .text,\"ax\",@progbits\n");
        foreach (var (n, pc) in roots.Index())
            s.Append(CultureInfo.InvariantCulture, $".globl {ModuleSymbols.RegionName(pc)}\n.hidden {ModuleSymbols.RegionName(pc)}\n{ModuleSymbols.RegionName(pc)}: movl ${pc}, %r11d\nmovl $emu_stub_targets+{8 * n}, %r10d\ncmpq %fs:emu_state@TPOFF+{GuestState.HostLimit}, %rsp\njb emu_stub\njmpq *(%r10)\n");
    }

    const int Streams = 8;

    const ulong EntrySize = 16;

    /// <summary>
    /// The regions, and room for the table that the core makes of them: open addressing with the hash that regions compute inline. Regions look in the
    /// first place only, so those come first that they look for, and the table is twice as large where many of these would not be there.
    /// </summary>
    static void Table(IReadOnlyList<(ulong Pc, Reach Reach)> all, StringBuilder s)
    {
        ulong[] roots = [.. all.OrderBy(r => r.Reach).Select(r => r.Pc)];
        var pointers = new ArraySegment<ulong>(roots, 0, all.Count(r => r.Reach != Reach.Directly));
        ulong slots = Math.Max(16, System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)roots.Length * 2));
        if (Displaced(pointers, slots) > pointers.Count / 16) slots *= 2;
        s.Append(CultureInfo.InvariantCulture, $".set emu_dispatch_mask, {(slots - 1) * EntrySize}\n.section .bss,\"aw\",@nobits\n.balign 64\nemu_dispatch_table: .zero {slots * EntrySize}\n");
        s.Append(".section .rodata,\"a\",@progbits\n.balign 8\nemu_roots:\n");
        foreach (ulong pc in roots) s.Append(CultureInfo.InvariantCulture, $".quad {pc}\n");
        s.Append("emu_roots_end:\nemu_root_regions:\n");
        foreach (ulong pc in roots) s.Append(CultureInfo.InvariantCulture, $".long {ModuleSymbols.RegionName(pc)}\n");
    }

    /// <summary>How many roots are not in their first place in a table of so many slots.</summary>
    static int Displaced(IReadOnlyList<ulong> roots, ulong slots)
    {
        var taken = new bool[slots];
        int displaced = 0;
        foreach (ulong pc in roots)
        {
            ulong first = ((pc ^ pc << 4) & (slots - 1) * EntrySize) / EntrySize, at = first;
            while (taken[at]) at = (at + 1) & (slots - 1);
            taken[at] = true;
            if (at != first) displaced++;
        }
        return displaced;
    }

    static string Quote(string s)
    {
        var quoted = new StringBuilder("\"");
        foreach (byte b in FilePath.Bytes(s)[..^1]) quoted.Append(b is >= 32 and < 127 and not ((byte)'"' or (byte)'\\') ? ((char)b).ToString() : $"\\{Convert.ToString(b, 8).PadLeft(3, '0')}");
        return quoted.Append('"').ToString();
    }
}
