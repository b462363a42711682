using System.Diagnostics;
using Emu.Translator.Elf;
using Emu.Translator.Lowering;
using LLVMSharp.Interop;

namespace Emu.Translator.Linking;

/// <summary>The C library of runners: musl, for it is small (glibc's start and end alone bring half a megabyte) and starts fast.</summary>
public static class HostLibc
{
    public const string Libraries = "/usr/lib/x86_64-linux-musl";

    /// <summary>Clang's flags to compile against it; the kernel's headers are glibc's neighbours.</summary>
    public static readonly IReadOnlyList<string> Headers =
        ["-nostdlibinc", "-isystem", "/usr/include/x86_64-linux-musl", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"];
}

/// <summary>Links a runner with ld.lld: objects, core and a static libc, at an address that the guest leaves free.</summary>
public static class Linker
{

    public static void Link(string output, IReadOnlyList<Image> guest, string core, IReadOnlyList<string> objects)
    {
        string[] edges = [Edge(output, "begin", "emu_cells_begin:"), Edge(output, "end", ".zero 4096\nemu_cells_end:")];
        string response = output + ".rsp", discard = output + ".ld";
        // Nobody unwinds a runner: of what LLVM writes about its code, the lines are needed.
        File.WriteAllText(discard, "SECTIONS { /DISCARD/ : { *(.debug_frame .debug_names .debug_info .debug_abbrev .debug_addr .debug_rnglists .debug_str_offsets .debug_str) } } INSERT AFTER .text;");
        File.WriteAllLines(response,
        [
            "-static", "-o", Quote(output), "-T", Quote(discard), $"--image-base=0x{RunnerBase(guest):x}", "-z", "noexecstack", "--build-id=none", "--no-relax",
            $"{HostLibc.Libraries}/crt1.o", $"{HostLibc.Libraries}/crti.o",
            Quote(core), Quote(edges[0]), .. objects.Select(Quote), Quote(edges[1]),
            $"{HostLibc.Libraries}/libc.a", $"{GccDirectory()}/libgcc.a", $"{HostLibc.Libraries}/crtn.o",
        ]);
        Tool.Run("ld.lld-19", "@" + response);
        Tool.Run("strip", "--wildcard", $"--strip-symbol={ModuleSymbols.RegionPrefix}*", output); // emu_roots has them
        foreach (var file in edges.Append(response).Append(discard)) File.Delete(file);
    }

    /// <summary>Counters are mapped from the data file, for each thread: their section starts and ends on a page of its own.</summary>
    static string Edge(string output, string name, string directives)
    {
        using var m = new ModuleWriter(name);
        string text = $".section emu_counters,\"awT\",@nobits\n.balign 4096\n.globl emu_cells_begin, emu_cells_end\n.type emu_cells_begin, @tls_object\n.type emu_cells_end, @tls_object\n{directives}\n";
        LLVM.SetModuleInlineAsm2(m.Module, text, (nuint)text.Length);
        string path = $"{output}.{name}.o";
        File.WriteAllBytes(path, Codegen.Emit(m, 0));
        return path;
    }

    static string Quote(string s) => $"\"{s.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    static string GccDirectory() =>
        Directory.GetDirectories("/usr/lib/gcc/x86_64-linux-gnu").OrderByDescending(d => int.TryParse(Path.GetFileName(d), out int v) ? v : 0).FirstOrDefault()
        ?? throw new ToolException("no libgcc: install gcc (see toolchain.md)");

    /// <summary>The first candidate with 256 MiB that no guest segment touches, below 2 GiB so that addresses fit immediates.</summary>
    static ulong RunnerBase(IReadOnlyList<Image> guest)
    {
        const ulong room = 0x10000000;
        foreach (ulong at in new ulong[] { 0x60000000, 0x50000000, 0x40000000, 0x30000000, 0x20000000, 0x70000000 })
            if (guest.SelectMany(g => g.Segments).All(s => s.End <= at || s.Address >= at + room)) return at;
        throw new BadInputException("the guest covers all of the low 2 GiB: no place for the runner");
    }
}

/// <summary>An external program failed; the message is one line.</summary>
public sealed class ToolException(string message) : Exception(message);

/// <summary>External programs of the tool chain.</summary>
public static class Tool
{
    /// <summary>Runs a program to its end; what it printed becomes the error's message if it fails.</summary>
    public static string Run(string program, params IEnumerable<string> args)
    {
        var start = new ProcessStartInfo(program, args) { RedirectStandardError = true, RedirectStandardOutput = true };
        Process p;
        try { p = Process.Start(start)!; }
        catch (System.ComponentModel.Win32Exception) { throw new ToolException($"{program} is not installed (see toolchain.md)"); }
        using (p)
        {
            var errors = p.StandardError.ReadToEndAsync();
            string output = p.StandardOutput.ReadToEnd();
            p.WaitForExit();
            return p.ExitCode == 0 ? output : throw new ToolException($"{program} failed: {errors.Result.Trim().Split('\n')[0]}");
        }
    }
}
