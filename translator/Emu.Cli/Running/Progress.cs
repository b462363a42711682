namespace Emu.Cli.Running;

/// <summary>One line on the terminal that is rewritten while something long goes on, and is gone afterwards. Nothing elsewhere.</summary>
static class Progress
{
    static readonly bool isTerminal = Libc.isatty(2) == 1;
    static readonly Lock writing = new();
    static int most = -1;

    /// <summary>What to call, from any thread, with how many are done and how many there are; <paramref name="first"/>: what goes on while that is not known, as 0.</summary>
    public static Action<int, int>? Show(string first, string format) => !isTerminal ? null : (done, all) =>
    {
        lock (writing)
        {
            if (done <= most) return;
            most = done;
            Console.Error.Write("\r\x1b[K" + string.Format(System.Globalization.CultureInfo.InvariantCulture, all == 0 ? first : format, done, all));
        }
    };

    public static void Erase()
    {
        if (most >= 0) Console.Error.Write("\r\x1b[K");
        most = -1;
    }
}
