using System.Diagnostics;
using System.Globalization;

namespace Emu.Tests.Programs;

/// <summary>Random code that patches itself (patches.c), on the CPU and translated: ahead of time, at run time, and by each tier alone.</summary>
static class PatchFuzz
{
    const int Pieces = 20;

    /// <param name="Most">How often a piece of code runs at most.</param>
    sealed record Way(string Aot, string Tier, string Where, int Most);

    static readonly Way[] ways =
        [.. from tier in (string[])["", "1", "2"]
            from place in (string[])["anonymous", "shared", "text"]
            select new Way(place == "text" && tier == "" ? "all" : "none", tier, place, tier == "2" ? 40 : 3000)];

    /// <summary>Until the minutes are over; gives the exit status.</summary>
    public static int Until(double minutes, ulong seed)
    {
        var clock = Stopwatch.StartNew();
        string native = ChangeTests.Guest("patches");
        long pieces = 0, failures = 0;
        for (ulong at = seed; clock.Elapsed.TotalMinutes < minutes; at += Pieces)
        {
            foreach (var way in ways)
            {
                string[] arguments = [at.ToString(CultureInfo.InvariantCulture), way.Tier == "2" ? "4" : $"{Pieces}", $"{way.Most}", way.Where];
                string expected = Repository.Run(native, arguments);
                var (status, output, errors) = Repository.RunAny("/usr/bin/env", [$"EMU_TIER={way.Tier}", "timeout", "600", Runners.Build(native, Runners.NoPlugins, aot: way.Aot), .. arguments]);
                pieces += Pieces;
                if ((status, output) == (0, expected)) continue;
                failures++;
                var (wanted, got) = expected.Split('\n').Zip(output.Split('\n').Append("")).FirstOrDefault(l => l.First != l.Second);
                Console.WriteLine($"EMU_TIER={way.Tier} --aot {way.Aot}: patches {string.Join(' ', arguments)}: status {status}, {wanted}, not {got}; {errors}");
            }
            Console.WriteLine($"; {clock.Elapsed:hh\\:mm\\:ss} seed {at}: {pieces} pieces, {failures} disagreements");
        }
        return failures == 0 ? 0 : 1;
    }
}
