using System.Diagnostics;

namespace Emu.Tests.Programs;

/// <summary>The repository the tests run in, and its scripts.</summary>
static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Where tests keep what they make (.build/tests).</summary>
    public static string Work(params string[] parts)
    {
        var folder = Path.Combine([Root, ".build/tests", .. parts]);
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>Runs a program and returns its stdout; throws with its stderr when it fails.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (status, output, errors) = RunAny(program, arguments);
        return status == 0
            ? output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: status {status}\n{errors}");
    }

    /// <summary>Runs a program whatever its status (128 + signal).</summary>
    public static (int Status, string Output, string Errors) RunAny(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, WithoutPatience(errors.Result));
    }

    /// <summary>Without the line that asks for patience (Running/Progress.cs), which a slow machine has and a quick one has not.</summary>
    public static string WithoutPatience(string errors) =>
        string.Concat(errors.Split('\n').Where(l => !l.StartsWith("emu: translating ahead of time", StringComparison.Ordinal)).Select((l, n) => n == 0 ? l : "\n" + l));

    static string FindRoot()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Emu.sln")))
            at = at.Parent ?? throw new DirectoryNotFoundException("Emu.sln");
        return at.FullName;
    }
}
