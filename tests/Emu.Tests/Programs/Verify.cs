using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Compares a row's translated run with its native one, known failures included.</summary>
static class Verify
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    static readonly Lazy<string> Generated = new(Generate);

    /// <summary>The input files of the tables, made once per test run.</summary>
    public static string Inputs => Generated.Value;

    static string Generate()
    {
        var folder = Repository.Work("inputs");
        Repository.Run("/bin/busybox", "rm", "-rf", folder);
        Repository.Run(Path.Combine(Repository.Root, "tests/programs/generate"), folder);
        return folder;
    }

    /// <summary>Fails when the two runs differ, or when they agree although known-failures lists the row.</summary>
    public static void Same(Row row, string[] plugins, string variant, int level = 2, string aot = "all")
    {
        var id = $"{row.Id}{variant}";
        var difference = Difference(row, plugins, level, aot, id);
        var known = Tables.KnownFailure(id);
        if (known is null)
            Assert.True(difference is null, $"{id}: {difference}");
        else
            Assert.True(difference is not null, $"{id} passes but is listed in known-failures ({known}): take it off the list");
    }

    static string? Difference(Row row, string[] plugins, int level, string aot, string id)
    {
        var folder = Path.Combine(Repository.Work("runs"), string.Concat(id.Select(c => char.IsLetterOrDigit(c) ? c : '_')));
        string runner;
        try
        {
            runner = Runners.Build(row.Guest, plugins, level, aot);
        }
        catch (InvalidOperationException e)
        {
            return e.Message;
        }
        var native = Outcome.Of(row, row.Guest, Inputs, folder, Limit);
        return Outcome.Of(row, runner, Inputs, folder, Limit).DifferenceTo(native);
    }
}
