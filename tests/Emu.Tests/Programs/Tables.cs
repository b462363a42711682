namespace Emu.Tests.Programs;

/// <summary>Reads the tables of runs: tests/programs/* and tests/guests/cases, and the list of known failures.</summary>
static class Tables
{
    /// <summary>Rows of a table in tests/programs: name | files | command | stdin; a line "guest PATH [PACKAGE...]" names the program.</summary>
    public static IEnumerable<Row> Programs(string table)
    {
        var guest = "";
        foreach (var line in Lines(Path.Combine(Repository.Root, "tests/programs", table)))
        {
            if (line.StartsWith("guest "))
            {
                guest = line.Split(' ')[1];
                continue;
            }
            var c = Row.Columns(line);
            yield return new($"{table}/{c[0]}", guest, Row.Words(c[1]), Row.Words(c[2]), c[3] is ['=', ..] ? c[3].Replace("\\n", "\n") : c[3], []);
        }
    }

    /// <summary>Rows of tests/guests/cases: guest | status | arguments | stdin | environment; Guest is the bare name.</summary>
    public static IEnumerable<Row> Cases()
    {
        var seen = new Dictionary<string, int>();
        foreach (var line in Lines(Path.Combine(Repository.Root, "tests/guests/cases")))
        {
            var c = Row.Columns(line);
            var n = seen[c[0]] = seen.GetValueOrDefault(c[0]) + 1;
            var stdin = c[3] switch { "-" => "", "closed" => "closed", var text => "=" + text.Replace("\\n", "\n") };
            yield return new($"{c[0]}#{n}", c[0], [], Row.Words(c[2]), stdin, Row.Words(c[4]));
        }
    }

    /// <summary>tests/programs/known-failures: id | reason. An id may end in * and then covers all that begin so.</summary>
    public static string? KnownFailure(string id) =>
        Known.FirstOrDefault(k => k.Id.EndsWith('*') ? id.StartsWith(k.Id[..^1]) : id == k.Id).Reason;

    static readonly (string Id, string Reason)[] Known =
        [.. Lines(Path.Combine(Repository.Root, "tests/programs/known-failures")).Select(Row.Columns).Select(c => (c[0], c[1]))];

    static IEnumerable<string> Lines(string path) => File.ReadLines(path).Where(l => l.Trim() is not "" and not ['#', ..]);
}
