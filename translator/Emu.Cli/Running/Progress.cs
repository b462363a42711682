using System.Diagnostics;
using System.Globalization;

namespace Emu.Cli.Running;

/// <summary>
/// What is said while a translation goes on: on a terminal one line that is rewritten, and gone afterwards; and everywhere, once, after some
/// seconds, that it takes long and what to do about it.
/// </summary>
static class Progress
{
    const int LongSeconds = 10;

    static readonly bool isTerminal = Libc.isatty(2) == 1;
    static readonly Lock writing = new();
    static readonly Stopwatch since = Stopwatch.StartNew();
    static bool shown, said;
    static int most = -1;

    /// <summary>From any thread: how many modules are translated, and how many there are (0: not known yet).</summary>
    public static void Show(int done, int all)
    {
        lock (writing)
        {
            if (done <= most) return;
            most = done;
            if (!said && since.Elapsed.TotalSeconds > LongSeconds) SayLong();
            if (!isTerminal) return;
            Console.Error.Write("\r\x1b[K" + (all == 0 ? "looking for code" : string.Create(CultureInfo.InvariantCulture, $"translating {done}/{all} modules")));
            shown = true;
        }
    }

    static void SayLong()
    {
        said = true;
        Console.Error.Write($"{(shown ? "\r\x1b[K" : "")}emu: translating ahead of time, once for this program; --aot none starts it at once, and it runs slower\n");
    }

    public static void Erase()
    {
        lock (writing)
        {
            if (shown) Console.Error.Write("\r\x1b[K");
            (shown, most) = (false, -1);
        }
    }
}
