using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Emu.Tests.Programs;

/// <summary>What a run left behind: outputs, status (128 + signal) and the working folder's files.</summary>
public sealed record Outcome(string Stdout, string Stderr, int Status, string Files)
{
    static readonly DateTime Epoch = new(2024, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    /// <summary>Runs <paramref name="program"/> as <paramref name="row"/> says, under the row's name, in an empty folder with its files.</summary>
    public static Outcome Of(Row row, string program, string inputs, string folder, TimeSpan limit)
    {
        Prepare(row, inputs, folder);
        using var process = Process.Start(Start(row, program, inputs, folder))!;
        var stdout = ReadAll(process.StandardOutput.BaseStream);
        var stderr = ReadAll(process.StandardError.BaseStream);
        if (row.Stdin.StartsWith('='))
            process.StandardInput.Write(row.Stdin[1..]);
        process.StandardInput.Close();
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            return new(stdout.Result, stderr.Result + $"\n(killed after {limit.TotalSeconds:0} s)\n", -1, "");
        }
        var status = process.ExitCode;
        return new(stdout.Result, stderr.Result, status, Snapshot(folder));
    }

    /// <summary>A runner says in one line where a fatal fault happened; the native program says nothing.</summary>
    static string WithoutReport(Outcome of) =>
        of.Status > 128 ? string.Join('\n', of.Stderr.Split('\n').Where(line => !line.StartsWith("emu: "))) : of.Stderr;

    static void Prepare(Row row, string inputs, string folder)
    {
        if (Directory.Exists(folder))
            Repository.Run("/bin/busybox", "rm", "-rf", folder);
        Directory.CreateDirectory(folder);
        if (row.Files.Length > 0)
            Repository.Run("/bin/busybox", ["cp", "-a", .. row.Files.Select(f => Path.Combine(inputs, f)), folder]);
        Directory.SetLastWriteTimeUtc(folder, Epoch);
    }

    static ProcessStartInfo Start(Row row, string program, string inputs, string folder)
    {
        var redirect = row.Stdin switch
        {
            "" => "</dev/null",
            "closed" => "<&-",
            ['=', ..] => "",
            var file => $"<'{Path.Combine(inputs, file)}'",
        };
        var start = new ProcessStartInfo("/bin/bash", ["-c", $"ulimit -c 0; exec -a \"$0\" \"$@\" {redirect}", row.Name ?? row.Guest, program, .. row.Arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var word in (string[])["PATH=/usr/bin:/bin", "HOME=/", "LC_ALL=C", "TZ=UTC0", $"EMU_DATA={folder}.emudata", .. row.Environment])
            start.Environment[word[..word.IndexOf('=')]] = word[(word.IndexOf('=') + 1)..];
        return start;
    }

    static async Task<string> ReadAll(Stream from)
    {
        using var bytes = new MemoryStream();
        await from.CopyToAsync(bytes);
        return Encoding.Latin1.GetString(bytes.ToArray());
    }

    /// <summary>One line a file: name, kind, mode, contents' hash.</summary>
    static string Snapshot(string folder)
    {
        var lines = new List<string>();
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).OrderBy(e => e.FullName, StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(folder, entry.FullName);
            var what = entry.LinkTarget is { } target ? $"-> {target}"
                : entry is FileInfo { UnixFileMode: var mode } ? $"{mode} {Hash(entry.FullName)}"
                : $"{entry.UnixFileMode} folder";
            lines.Add($"{name} {what}");
        }
        return string.Join('\n', lines);
    }

    static string Hash(string path) =>
        new FileInfo(path).UnixFileMode.HasFlag(UnixFileMode.UserRead) ? Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))[..16] : "unreadable";

    /// <summary>The first difference to a native outcome, in words; null when there is none.</summary>
    public string? DifferenceTo(Outcome native) =>
        Status != native.Status ? $"status {Status}, natively {native.Status}\nstderr: {Tail(Stderr)}"
        : Stdout != native.Stdout ? "stdout: " + First(native.Stdout, Stdout)
        : WithoutReport(this) != native.Stderr ? "stderr: " + First(native.Stderr, Stderr)
        : Files != native.Files ? "files: " + First(native.Files, Files)
        : null;

    static string First(string native, string translated)
    {
        var (a, b) = (native.Split('\n'), translated.Split('\n'));
        var line = 0;
        while (line < a.Length && line < b.Length && a[line] == b[line])
            line++;
        return $"line {line + 1}\n  native     {Tail(line < a.Length ? a[line] : "(end)")}\n  translated {Tail(line < b.Length ? b[line] : "(end)")}";
    }

    static string Tail(string text) => text.Length <= 400 ? text : "..." + text[^400..];
}
