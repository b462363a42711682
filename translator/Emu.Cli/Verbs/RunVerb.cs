using Emu.Cli.Options;
using Emu.Cli.Running;

namespace Emu.Cli.Verbs;

/// <summary>emu run: without plugins emu becomes the runner; with plugins it waits for it and prints the report.</summary>
static class RunVerb
{
    public static int Run(RunOptions options, string[]? command)
    {
        options.Check();
        if (command is null or []) throw new UsageException("run: the guest's command comes after --: emu run -- GUEST ARGS");
        if (options.Stray is { } word) throw new UsageException($"run: unexpected '{word}': the guest's command comes after --");
        bool plugins = options.Plugins.Any();
        if (!plugins && (options.Json || options.Report != null || options.Data != null)) throw new UsageException("run: there is a report only with a plugin (-p; emu plugins lists them)");
        var guest = GuestFile.Command(command[0]);
        var runner = RunnerStore.Get(guest, options);
        var argv = guest.Words([.. command.Select(Launch.Bytes)]);
        if (options.NoAslr) Launch.FixAddresses();
        SetVariable("EMU_EXECFN", guest.Found); // what the guest finds in its auxiliary vector
        if (plugins) return RunAndReport(options, guest, runner.Runner, argv);
        Memo.Answer(runner, guest);
        throw new UserException($"{command[0]}: {Launch.Exec(runner.Runner, argv)}");
    }

    /// <summary>emu runner: for the launcher, when a translated program executes another one.</summary>
    public static int PrintRunner(RunnerOptions options, string[] command)
    {
        options.Check();
        var guest = GuestFile.Command(command[0]);
        var runner = RunnerStore.Get(guest, options);
        Memo.Answer(runner, guest);
        Console.Out.WriteLine(runner.Runner);
        return 0;
    }

    static int RunAndReport(RunOptions options, GuestFile guest, string runner, IReadOnlyList<byte[]> argv)
    {
        string? kept = options.Data ?? Environment.GetEnvironmentVariable("EMU_DATA");
        string told = string.IsNullOrEmpty(kept) ? Path.Combine(WorkFolder.Path.Replace("%", "%%"), "emudata") : DataName.Told(kept, guest);
        string data = DataName.Of(told, 0);
        using var report = ReportVerb.Open(options.Report);
        string? before = Stat.Of(data)?.Signature;
        SetVariable("EMU_DATA", told);
        SetVariable("EMU_TIED", "1");
        var ending = Launch.Run(runner, argv, started: process => data = DataName.Of(told, process));
        // A runner that could not start has said why and left nothing new; a device or a pipe keeps nothing.
        if (Stat.Of(data) is { IsRegular: true } after && after.Signature != before)
        {
            // On a terminal the guest's output is just above.
            if (options.Report is null or "-" or "/dev/stdout" && Libc.isatty(1) == 1) report.Write("---- report ----\n"u8);
            if (options.FollowExec) ReportVerb.PrintAll(ProcessData.Of(data), options.Json, report);
            else ReportVerb.Print(data, options.Json, report, PluginsAreNamedBy.User);
        }
        return Launch.EndAs(ending);
    }

    static unsafe void SetVariable(string name, string value) => Libc.setenv(Libc.Text(name), Libc.Text(value), 1);
}
