using Emu.Cli.Options;
using Emu.Instrumentation;
using Emu.Translator;
using Emu.Translator.Closure;
using Emu.Translator.Elf;
using Emu.Translator.Linking;

namespace Emu.Cli.Running;

/// <summary>The folder emu-fallback/ beside a runner: the fallback translator with all that it needs but glibc, for machines without emu.</summary>
static class Bundle
{
    /// <summary>What it opens while it runs: LLVM, and OpenSSL, which .NET computes hashes with.</summary>
    static readonly string[] opened = ["libLLVM.so.19.1", "libssl.so.3"];

    /// <summary>What every dynamic program of a system is started with: these must be the system's own.</summary>
    static readonly string[] system = ["ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"];

    static string Program => Path.Combine(AppContext.BaseDirectory, "emu-fallback");

    /// <summary>Says before the work what cannot be.</summary>
    public static void Check(BuildOptions options)
    {
        if (options.OwnPlugins.FirstOrDefault() is { } own) throw new UserException($"--bundle: {own}: a pass of your own runs on .NET, which cannot be bundled");
        if (!File.Exists(Program)) throw new UserException("--bundle: this emu was built without the native fallback translator (toolchain.md says what it needs)");
    }

    /// <summary>Writes the folder beside the runner.</summary>
    public static void Write(string runner, Pipeline pipeline)
    {
        string folder = Path.Combine(Path.GetDirectoryName(runner)!, "emu-fallback");
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
            File.Copy(Program, Path.Combine(folder, "emu-fallback"));
            foreach (var (name, path) in Libraries()) File.Copy(path, Path.Combine(folder, name));
            foreach (var (file, bitcode) in pipeline.Probes)
            {
                string copy = Path.Combine(folder, Path.GetFileName(file));
                File.Copy(file, copy);
                File.WriteAllBytes(copy + Probes.Bitcode, bitcode);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new UserException($"cannot write {folder}: {e.Message}"); }
    }

    static IEnumerable<(string Name, string Path)> Libraries()
    {
        var program = Image.Load(Program);
        var search = new LibrarySearch(isMusl: false, "");
        var found = opened.Select(name => search.Find(name, [(Program, program)]) ?? throw new UserException($"--bundle: there is no {name} on this machine"));
        return ProgramClosure.Of(Program, program, found, "", GuestFile.RealPath)
            .Select(f => (Name: f.Image.SoName ?? Path.GetFileName(f.Path), f.Path)).Where(f => !system.Contains(f.Name));
    }
}
