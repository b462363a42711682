using System.Diagnostics;
using Emu.Tests.Programs;

namespace Emu.Tests.Docs;

/// <summary>A command that a document shows, and, where it is a listing, what the document says it prints.</summary>
/// <param name="Output">Null: nothing is promised but that it works.</param>
public sealed record Command(string Text, string? Output);

/// <summary>
/// One of the repository's documents. Its commands are the lines of blocks fenced as sh, lines indented by four that start with ./emu
/// or ./test, and lines after "$ " in blocks fenced as console; what follows those, up to the next "$ ", is a listing.
/// </summary>
public sealed class Manual(string name)
{
    static readonly Lazy<string> desk = new(Prepare);

    /// <summary>Every document, by its path in the repository.</summary>
    public static IReadOnlyList<string> Names =>
        ["README.md", "ARCHITECTURE.md", "toolchain.md", .. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").Order(StringComparer.Ordinal).Select(f => $"docs/{Path.GetFileName(f)}")];

    string File => Path.Combine(Repository.Root, name);

    public IReadOnlyList<Command> Commands => [.. Read().Where(p => p.Command != null).Select(p => new Command(p.Command!, p.Output))];

    /// <summary>Puts what <paramref name="print"/> gives for each listing into the document.</summary>
    public void Bless(Func<Command, string> print) =>
        System.IO.File.WriteAllText(File, string.Concat(Read().Select(p => p.Output == null ? p.Line : $"{p.Line}{print(new(p.Command!, p.Output))}")));

    /// <summary>The document in order: lines as they are, except that a listing's lines belong to its command.</summary>
    IEnumerable<(string Line, string? Command, string? Output)> Read()
    {
        var (fence, lines) = ("", System.IO.File.ReadAllLines(File));
        for (int n = 0; n < lines.Length; n++)
        {
            string line = lines[n];
            if (line.StartsWith("```", StringComparison.Ordinal)) fence = fence == "" ? line : "";
            if (fence == "```console" && line.StartsWith("$ ", StringComparison.Ordinal))
            {
                int end = n + 1;
                while (!lines[end].StartsWith("$ ", StringComparison.Ordinal) && lines[end] != "```") end++;
                yield return ($"{line}\n", line[2..], string.Concat(lines[(n + 1)..end].Select(l => $"{l}\n")));
                n = end - 1;
            }
            else yield return ($"{line}\n", Plain(fence, line), null);
        }
    }

    static string? Plain(string fence, string line) =>
        fence == "```sh" && !line.StartsWith("```", StringComparison.Ordinal) && line != "" ? line
        : fence == "" && (line.StartsWith("    ./emu ", StringComparison.Ordinal) || line.StartsWith("    ./test", StringComparison.Ordinal)) ? line[4..]
        : null;

    /// <summary>Runs a command as its reader does: bash, in what looks like the repository but may be written to.</summary>
    public static (int Status, string Output, string Errors) Run(string command)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", command])
        {
            WorkingDirectory = desk.Value,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string key in start.Environment.Keys.Where(k => k.StartsWith("EMU_", StringComparison.Ordinal) && k != "EMU_CACHE").ToArray()) start.Environment.Remove(key);
        using var p = Process.Start(start)!;
        p.StandardInput.Close();
        var errors = p.StandardError.ReadToEndAsync();
        string output = p.StandardOutput.ReadToEnd();
        p.WaitForExit();
        return (p.ExitCode, output, errors.Result);
    }

    /// <summary>Links to everything at the top of the repository, and what documents ask their reader to have: ./guest, ./calls.</summary>
    static string Prepare()
    {
        Repository.Run(Path.Combine(Repository.Root, "emu"), "--build");
        string folder = Repository.Work("desk");
        Repository.Run("/bin/busybox", "rm", "-rf", folder);
        Directory.CreateDirectory(Path.Combine(folder, "calls"));
        foreach (string entry in Directory.GetFileSystemEntries(Repository.Root))
            if (Path.GetFileName(entry) != ".git") System.IO.File.CreateSymbolicLink(Path.Combine(folder, Path.GetFileName(entry)), entry);
        string guide = System.IO.File.ReadAllText(Path.Combine(Repository.Root, "docs/writing-a-pass.md"));
        string pass = guide[(guide.IndexOf("```csharp\n", StringComparison.Ordinal) + 10)..];
        System.IO.File.WriteAllText(Path.Combine(folder, "calls/Calls.cs"), pass[..pass.IndexOf("```\n", StringComparison.Ordinal)]);
        Repository.Run("gcc", "-O1", "-fno-stack-protector", "-nostdlib", "-static", "-o", Path.Combine(folder, "guest"), Path.Combine(Repository.Root, "tests/Emu.Tests/Docs/guest.c"));
        return folder;
    }
}
