using System.Globalization;
using System.Text.RegularExpressions;

namespace Emu.Cli.Running;

/// <summary>
/// The name of a run's data file as <c>-d</c> and EMU_DATA say it: %p (process), %b (guest), %t (seconds since 1970), %h (host), %n (a free number), %%,
/// as in core_pattern (core(5)). A runner that is started by itself knows them, too (runtime/core/data.c).
/// </summary>
static partial class DataName
{
    const string Process = "%p";

    [GeneratedRegex("%(.?)")]
    private static partial Regex Part();

    /// <summary>What the runner is told: absolute, and all but its process is known.</summary>
    public static string Told(string pattern, GuestFile guest)
    {
        string path = Path.GetFullPath(pattern);
        for (int number = 1; ; number++)
        {
            bool numbered = false;
            string Number()
            {
                numbered = true;
                return number.ToString(CultureInfo.InvariantCulture);
            }
            string told = Part().Replace(path, m => m.Groups[1].Value switch
            {
                "n" => Number(),
                "b" => Escaped(Path.GetFileName(guest.Path)),
                "t" => DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
                "h" => Escaped(Environment.MachineName),
                "p" or "%" => m.Value,
                _ => throw new UserException($"{pattern}: there are %p (process), %b (guest), %t (time), %h (host), %n (a free number) and %%"),
            });
            if (!numbered || HasProcess(told) || Takes(Of(told, 0))) return told;
        }
    }

    /// <summary>Whether the name is known only when the process is.</summary>
    public static bool HasProcess(string told) => told.Replace("%%", "").Contains(Process);

    /// <summary>The file's name.</summary>
    public static string Of(string told, int process) => Part().Replace(told, m => m.Value == Process ? process.ToString(CultureInfo.InvariantCulture) : "%");

    static string Escaped(string text) => text.Replace("%", "%%");

    /// <summary>Makes the file, so that no other run takes the number.</summary>
    static bool Takes(string path)
    {
        try
        {
            new FileStream(path, FileMode.CreateNew).Dispose();
            return true;
        }
        catch (IOException) when (File.Exists(path)) { return false; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw new UserException($"cannot write the data file {path}: {e.Message}"); }
    }
}
