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
        string runner = RunnerStore.Get(guest, options);
        var argv = Launch.RawWords(command.Length);
        if (plugins) return RunAndReport(options, runner, argv);
        throw new UserException($"{command[0]}: {Launch.Exec(runner, argv)}");
    }

    static unsafe int RunAndReport(RunOptions options, string runner, IReadOnlyList<byte[]> argv)
    {
        string? kept = options.Data ?? Environment.GetEnvironmentVariable("EMU_DATA");
        string data = string.IsNullOrEmpty(kept) ? Path.Combine(CacheFolder.Part("data"), $"{Environment.ProcessId}.emudata") : Path.GetFullPath(kept);
        using var report = ReportVerb.Open(options.Report);
        try
        {
            Libc.setenv(Libc.Text("EMU_DATA"), Libc.Text(data), 1);
            var ending = Launch.Run(runner, argv);
            if (File.Exists(data)) ReportVerb.Print(data, options.Json, report);
            else if (!ending.IsSignal && ending.Code == 0) throw new UserException($"the guest left no data in {data}");
            return Launch.EndAs(ending);
        }
        finally
        {
            if (string.IsNullOrEmpty(kept)) File.Delete(data);
        }
    }
}
