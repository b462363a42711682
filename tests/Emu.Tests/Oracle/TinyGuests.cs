using System.Diagnostics;
using Xunit;

namespace Emu.Tests.Oracle;

/// <summary>The guests of the event oracle: builds them and the single-stepper, and traces native runs.</summary>
public static class TinyGuests
{
    static readonly string Root = FindRoot();
    static readonly Lock Building = new();

    /// <summary>Names of tests/guests/tiny, for [MemberData].</summary>
    public static TheoryData<string> All => new(Run(Script, "--tiny").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    static string Script => Path.Combine(Root, "tests/guests/build");

    /// <summary>Builds a tiny guest and returns its path.</summary>
    public static string Build(string name)
    {
        lock (Building)
            return Run(Script, name, "tiny").Output.Trim();
    }

    /// <summary>What the guest does natively.</summary>
    public static NativeTrace Trace(string name)
    {
        var guest = Build(name);
        var log = Path.Combine(Path.GetTempPath(), $"emu-step-{Environment.ProcessId}-{name}.log");
        try
        {
            Run(Stepper(), log, "--", guest);
            return NativeTrace.From(new(guest), StepLog.Read(log));
        }
        finally
        {
            File.Delete(log);
        }
    }

    static string Stepper()
    {
        var source = Path.Combine(Root, "tests/oracle/steptrace.c");
        var program = Path.Combine(Root, ".build/oracle/steptrace");
        lock (Building)
        {
            if (File.Exists(program) && File.GetLastWriteTimeUtc(program) > File.GetLastWriteTimeUtc(source))
                return program;
            Directory.CreateDirectory(Path.GetDirectoryName(program)!);
            var (status, output) = Run("clang-19", "-std=c17", "-Wall", "-Wextra", "-Werror", "-O2", source, "-o", program);
            return status == 0 ? program : throw new InvalidOperationException(output);
        }
    }

    static (int Status, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    static string FindRoot()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Emu.sln")))
            at = at.Parent ?? throw new DirectoryNotFoundException("Emu.sln");
        return at.FullName;
    }
}
