using System.Globalization;
using Emu.Tests.Lift;

// The tests are run by `dotnet test`; what runs for minutes is a program of its own: ./test fuzz.
return args is ["fuzz", var minutes, .. var rest]
    ? Fuzz.Until(double.Parse(minutes, CultureInfo.InvariantCulture), rest.Length > 0 ? ulong.Parse(rest[0], CultureInfo.InvariantCulture) : (ulong)Environment.TickCount64, rest.ElementAtOrDefault(1) ?? "")
    : 2;
