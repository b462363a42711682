using System.Diagnostics;
using Emu.Translator.Elf;
using Emu.Translator.Lowering;
using LLVMSharp.Interop;

namespace Emu.Translator.Linking;

/// <summary>Links a runner with ld.lld: objects, core and the host's static libc, at an address that the guest leaves free.</summary>
public static class Linker
{
    const string Libraries = "/usr/lib/x86_64-linux-gnu";

    public static void Link(string output, IReadOnlyList<Image> guest, string core, IReadOnlyList<string> objects)
    {
        string gcc = GccDirectory();
        string[] edges = [Edge(output, "begin", "emu_cells_begin:"), Edge(output, "end", ".zero 4096\nemu_cells_end:")];
        string response = output + ".rsp";
        File.WriteAllLines(response,
        [
            "-static", "-o", Quote(output), $"--image-base=0x{RunnerBase(guest):x}", "-z", "noexecstack", "--build-id=none", "--no-relax",
            $"{Libraries}/crt1.o", $"{Libraries}/crti.o", $"{gcc}/crtbeginT.o",
            Quote(core), Quote(edges[0]), .. objects.Select(Quote), Quote(edges[1]),
            "--start-group", $"{Libraries}/libc.a", $"{Libraries}/libm.a", $"{gcc}/libgcc.a", $"{gcc}/libgcc_eh.a", "--end-group",
            $"{gcc}/crtend.o", $"{Libraries}/crtn.o",
        ]);
        Tool.Run("ld.lld-19", "@" + response);
        foreach (var file in edges.Append(response)) File.Delete(file);
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
