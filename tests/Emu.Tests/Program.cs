using System.Globalization;
using Emu.Tests.Lift;
using Emu.Tests.Programs;

// The tests are run by `dotnet test`; what runs for minutes is a program of its own: ./test fuzz.
ulong Seed(string[] rest) => rest.Length > 0 ? ulong.Parse(rest[0], CultureInfo.InvariantCulture) : (ulong)Environment.TickCount64;
double Minutes(string text) => double.Parse(text, CultureInfo.InvariantCulture);

return args switch
{
    ["fuzz", "patch", var minutes, .. var rest] => PatchFuzz.Until(Minutes(minutes), Seed(rest)),
    ["fuzz", ("conventions" or "frames") and var what, var minutes, .. var rest] => AssemblyFuzz.Until(what, Minutes(minutes), Seed(rest)),
    ["fuzz", var minutes, .. var rest] => Fuzz.Until(Minutes(minutes), Seed(rest), rest.ElementAtOrDefault(1) ?? ""),
    _ => 2,
};
