using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Emu.Ir;
using Emu.Translator.Linking;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;

namespace Emu.Tests.Lift;

/// <summary>Functions compiled as a build compiles them, in a process of their own (tests/lift/lowered.c).</summary>
sealed class Lowered : IDisposable
{
    const int StateSize = 0x3c0, ChunkSize = 200;
    readonly string directory = Directory.CreateTempSubdirectory("emu-lift-").FullName;
    readonly Process process;

    /// <summary>Entry addresses name the functions, so each needs its own.</summary>
    public Lowered(IReadOnlyList<Function> functions, int level = Codegen.DefaultLevel)
    {
        var objects = functions.Chunk(ChunkSize).Select((chunk, n) => Object($"{n}.o", m => { foreach (var f in chunk) RegionLowering.Lower(m, f, Demand.Everything(_ => false)); }, level)).ToList();
        objects.Add(Object("bridges.o", Bridges.Write, 0));
        var table = new StringBuilder();
        foreach (var f in functions) table.Append($"extern char {ModuleSymbols.RegionName(f.Entry)}[];\n");
        table.Append("void *const regions[] = {").AppendJoin(", ", functions.Select(f => ModuleSymbols.RegionName(f.Entry))).Append("};\n");
        string tablePath = Path.Combine(directory, "table.c"), program = Path.Combine(directory, "lowered");
        File.WriteAllText(tablePath, table.ToString());
        Tool.Run("clang-19", ["-O1", "-static", "-no-pie", "-fuse-ld=lld-19", "-Wl,--image-base=0x60000000,--defsym=emu_dispatch_mask=0", "-I", Path.Combine(Root(), "runtime/core"),
            Path.Combine(Root(), "tests/lift/lowered.c"), Path.Combine(Root(), "runtime/core/images.c"), tablePath, .. objects, "-o", program]);
        process = Process.Start(new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    string Object(string name, Action<ModuleSymbols> write, int level)
    {
        using var m = new ModuleWriter(name);
        var symbols = new ModuleSymbols(m, PluginData.None);
        write(symbols);
        symbols.Finish();
        string path = Path.Combine(directory, name);
        File.WriteAllBytes(path, Codegen.Emit(m, level));
        return path;
    }

    /// <summary>Runs function number <paramref name="index"/>; a fault or trap ends the process, and is an error here.</summary>
    public void Run(int index, Machine m)
    {
        var to = process.StandardInput.BaseStream;
        var from = process.StandardOutput.BaseStream;
        try
        {
            to.Write(BitConverter.GetBytes(index));
            to.Write(m.State.Bytes, 0, StateSize);
            to.Write(m.Memory);
            to.Flush();
            from.ReadExactly(m.State.Bytes, 0, StateSize);
            from.ReadExactly(m.Memory);
        }
        catch (IOException)
        {
            process.WaitForExit();
            throw new InvalidOperationException($"the process ended with status {process.ExitCode}: {process.StandardError.ReadToEnd()}");
        }
        m.Pc = BitConverter.ToUInt64(m.State.Bytes, GuestState.Rip);
    }

    /// <summary>The repository.</summary>
    public static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));

    public void Dispose()
    {
        process.Kill();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}
