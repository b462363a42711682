using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Emu.Tests.Cli;

/// <summary>A shell on a terminal of its own (script(1) makes it), with an empty cache, as a person uses it.</summary>
sealed class Terminal : IDisposable
{
    readonly Process process;
    readonly StringBuilder output = new();
    int seen;

    public Terminal(string cache)
    {
        var start = new ProcessStartInfo("env", ["--default-signal", "script", "-qfec", "bash --norc --noediting -i", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Shell.Folder,
        };
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("EMU_", StringComparison.Ordinal)).ToArray()) start.Environment.Remove(name);
        start.Environment["EMU_CACHE"] = Path.Combine(Shell.Folder, cache);
        start.Environment["PATH"] = $"{Programs.Repository.Root}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["PS1"] = "";
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        _ = Task.Run(Read);
        Type("rm -rf $EMU_CACHE");
    }

    async Task Read()
    {
        var buffer = new char[4096];
        while (await process.StandardOutput.ReadAsync(buffer) is > 0 and var size)
            lock (output) output.Append(buffer, 0, size);
    }

    /// <summary>Everything that the terminal showed.</summary>
    public string Screen { get { lock (output) return output.ToString(); } }

    /// <summary>Types a line.</summary>
    public void Type(string line) => Press(line + "\n");

    /// <summary>Types a line, and waits until its command has ended; returns what it printed last (its exit code in front of "=end").</summary>
    public string Run(string command, int seconds = 120)
    {
        Type(command);
        Type("echo $?'='end"); // the echo of what is typed does not match
        return WaitFor("\\d+=end", seconds);
    }

    /// <summary>Presses keys: "\x03" is Ctrl-C, "\x1a" Ctrl-Z.</summary>
    public void Press(string keys)
    {
        process.StandardInput.Write(keys);
        process.StandardInput.Flush();
    }

    /// <summary>Waits until the terminal shows this, behind what was waited for before.</summary>
    public string WaitFor(string pattern, int seconds = 60)
    {
        for (var since = Stopwatch.StartNew(); since.Elapsed.TotalSeconds < seconds; Thread.Sleep(20))
            lock (output)
                if (Regex.Match(output.ToString(seen, output.Length - seen), pattern) is { Success: true } match)
                {
                    seen += match.Index + match.Length;
                    return match.Value;
                }
        throw new TimeoutException($"the terminal does not show '{pattern}' after {seconds} s:\n{Screen}");
    }

    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
