using System.Globalization;
using Emu.Instrumentation;

namespace Emu.Cli.Running;

/// <summary>The data file of a program that a run executed.</summary>
/// <param name="Process">Its number, and when a process became several programs, which one: "123", "123.2"; "" for the first.</param>
sealed record ProcessData(string File, string Program, string Process, ulong Start)
{
    /// <summary>A run's data file, and those beside it that later programs wrote (runtime/core/data.c: PATH.PID).</summary>
    public static IEnumerable<string> Files(string first) =>
        Directory.EnumerateFiles(Path.GetDirectoryName(first)!, Path.GetFileName(first) + "*").Where(f => f.Length > first.Length + 1 && f[first.Length] == '.' && f[(first.Length + 1)..].All(c => char.IsAsciiDigit(c) || c == '.')).Prepend(first);

    /// <summary>In the order in which they began. What an earlier run has left is not among them.</summary>
    public static IReadOnlyList<ProcessData> Of(string first)
    {
        var all = Files(first).Select(f => Read(f, f[first.Length..].TrimStart('.'))).OfType<ProcessData>().ToArray();
        ulong start = all.Where(d => d.File == first).Select(d => d.Start).FirstOrDefault();
        return [.. all.Where(d => d.Start >= start).OrderBy(d => d.Start).ThenBy(d => d.File.Length)];
    }

    static ProcessData? Read(string file, string process)
    {
        try
        {
            using var data = DataFile.Open(file);
            return new(file, data.Meta.Guest.Path, process, data.Start);
        }
        catch (DataFileException) { return null; }
    }

    public override string ToString() => Process == "" ? Program : string.Create(CultureInfo.InvariantCulture, $"{Program} (process {Process})");
}
