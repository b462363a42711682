using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Xunit;

namespace Emu.Tests.Discovery;

/// <summary>Programs compiled once per test run from the C files next to this one.</summary>
internal static class Compiled
{
    static readonly string Folder = Directory.CreateTempSubdirectory("emu-discovery-").FullName;
    static readonly ConcurrentDictionary<string, Lazy<string>> Files = [];

    static readonly ConcurrentDictionary<string, Lazy<Emu.Translator.Discovery.Program>> Programs = [];

    static Compiled() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Folder, recursive: true);

    /// <summary>Compiles a C file; the command is the compiler with its options.</summary>
    public static string Program(string source, string command) =>
        Files.GetOrAdd($"{command} {source}", key => new(() => Compile(source, command))).Value;

    /// <summary>Runs a program under the stepper; the result is the file of executed steps.</summary>
    public static string Steps(string program, params string[] arguments)
    {
        var output = Path.Combine(Folder, Guid.NewGuid().ToString("n"));
        Run(Program("steps.c", "cc -O2"), [output, program, .. arguments]);
        return output;
    }

    /// <summary>A copy without symbols.</summary>
    public static string Stripped(string program) => Files.GetOrAdd($"strip {program}", _ => new(() => Strip(program))).Value;

    static string Strip(string program)
    {
        var output = program + ".stripped";
        Run("strip", ["-o", output, program]);
        return output;
    }

    /// <summary>What discovery finds in a program, once.</summary>
    public static Emu.Translator.Discovery.Program Discovered(string program) =>
        Programs.GetOrAdd(program, file => new(() => Discover.Run(Image.Load(file), []))).Value;

    static string Compile(string source, string command)
    {
        var output = Path.Combine(Folder, Guid.NewGuid().ToString("n"));
        var words = command.Split(' ');
        Run(words[0], [.. words[1..], "-o", output, Path.Combine(Here(), source)]);
        return output;
    }

    static void Run(string file, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{file}: exit code {process.ExitCode}: {errors.Result}");
    }

    static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
