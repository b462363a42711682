using System.Diagnostics;
using Emu.Tests.Programs;

namespace Emu.Tests.Cli;

/// <summary>What a command printed and how it ended: 128 + n for signal n, as shells say it.</summary>
sealed record Said(int Code, string Out, string Error);

/// <summary>Runs command lines as a user types them: bash, `emu` by name, the guest as ./guest, a cache of the tests' own, no signal ignored.</summary>
static class Shell
{
    static readonly Lazy<string> folder = new(Prepare);

    /// <summary>The current folder of every command.</summary>
    public static string Folder => folder.Value;

    public static string Cache => Path.Combine(Folder, "cache");

    public static Said Run(string command, string input = "")
    {
        var start = new ProcessStartInfo("env", ["--default-signal", "timeout", "-s", "KILL", "200", "bash", "-c", command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("EMU_", StringComparison.Ordinal)).ToArray()) start.Environment.Remove(name);
        start.Environment["EMU_CACHE"] = Cache;
        start.Environment["PATH"] = $"{Repository.Root}:{Environment.GetEnvironmentVariable("PATH")}";
        using var p = Process.Start(start)!;
        p.StandardInput.Write(input);
        p.StandardInput.Close();
        var error = p.StandardError.ReadToEndAsync();
        string output = p.StandardOutput.ReadToEnd();
        p.WaitForExit();
        return new(p.ExitCode, output, Repository.WithoutPatience(error.Result));
    }

    static string Prepare()
    {
        string made = Repository.Work("cli");
        Repository.Run("gcc", "-O1", "-fno-stack-protector", "-nostdlib", "-static", "-o", Path.Combine(made, "guest"), Path.Combine(Repository.Root, "tests/Emu.Tests/Cli/guest.c"));
        Repository.Run(Path.Combine(Repository.Root, "emu"), "--build");
        return made;
    }
}
