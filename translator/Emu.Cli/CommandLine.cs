using CommandLine;
using Emu.Cli.Options;
using Emu.Cli.Running;
using Emu.Cli.Verbs;
using Emu.Instrumentation;
using Emu.Translator.Elf;
using Emu.Translator.Linking;

namespace Emu.Cli;

/// <summary>From the words of the command line to a verb and its exit code: 0, 1 (it failed), 2 (it was called wrongly).</summary>
static class CommandLine
{
    public const int Failed = 1, Wrong = 2;

    static readonly Type[] verbs =
    [
        typeof(BuildOptions), typeof(RunOptions), typeof(RunnerOptions), typeof(VerifyOptions), typeof(ShowOptions),
        typeof(PluginsOptions), typeof(ReportOptions), typeof(DoctorOptions), typeof(CacheOptions),
    ];

    public static int Run(string[] args)
    {
        try
        {
            // What follows "--" is the guest's business: it is never parsed.
            int dashes = Array.IndexOf(args, "--");
            string[] own = dashes < 0 ? args : args[..dashes], guest = dashes < 0 ? [] : args[(dashes + 1)..];
            if (own is [] or ["help"]) return Print(Help.Overview);
            return own[0] switch
            {
                "--help" or "-h" => Print(Help.Overview),
                "--version" => Print($"emu {Version.Text}\n"),
                _ => Parse(own, dashes < 0 ? null : guest),
            };
        }
        catch (Exception e) { return Fail(e); }
    }

    static int Parse(string[] own, string[]? guest)
    {
        if (own[0] == "help") own = [own[1], "--help"];
        if (own[1..].Contains("-h")) own = [own[0], "--help"];
        using var parser = new Parser(s =>
        {
            (s.HelpWriter, s.AutoHelp, s.AutoVersion, s.GetoptMode, s.EnableDashDash) = (null, true, false, true, false);
            s.ParsingCulture = System.Globalization.CultureInfo.InvariantCulture;
        });
        var result = parser.ParseArguments(Words.ListsLast(own), verbs);
        if (result is NotParsed<object> wrong)
            return wrong.Errors.Any(e => e.Tag is ErrorType.HelpRequestedError or ErrorType.HelpVerbRequestedError)
                ? Print(Help.Of(result, own[0])) : throw new UsageException(Help.Explain(wrong.Errors.First(), own[0]));
        if (result.Value is VerbOptions { Extra: var extra } && extra.FirstOrDefault() is { } word) throw new UsageException($"{own[0]}: unexpected '{word}' (what belongs to the guest comes after --)");
        if (guest != null && result.Value is not (RunOptions or RunnerOptions or VerifyOptions)) throw new UsageException($"{own[0]}: nothing comes after --");
        Words.CheckLast(own, result.Value);
        return Run(result.Value, guest);
    }

    static int Run(object options, string[]? guest) => options switch
    {
        RunOptions o => RunVerb.Run(o, guest),
        RunnerOptions o => RunVerb.PrintRunner(o, guest ?? []),
        BuildOptions o => BuildVerb.Run(o),
        VerifyOptions o => VerifyVerb.Run(o, guest ?? []),
        ShowOptions o => ShowVerb.Run(o),
        PluginsOptions => PluginsVerb.Run(),
        ReportOptions o => ReportVerb.Run(o),
        DoctorOptions => DoctorVerb.Run(),
        CacheOptions o => CacheVerb.Run(o),
        _ => throw new InvalidOperationException($"no verb for {options.GetType().Name}"),
    };

    static int Print(string text)
    {
        Console.Out.Write(text);
        return 0;
    }

    /// <summary>One line for the user; a stack trace only if EMU_DEBUG asks for it.</summary>
    static int Fail(Exception e)
    {
        Progress.Erase();
        while (e is AggregateException { InnerException: { } inner }) e = inner;
        while (e is System.Reflection.TargetInvocationException { InnerException: { } inner }) e = inner;
        bool expected = e is UsageException or PluginException or BadInputException or ToolException or DataFileException or UserException or IOException or UnauthorizedAccessException;
        string line = expected ? e.Message : $"this is a bug in emu: {e.GetType().Name}: {e.Message.Split('\n')[0]} (EMU_DEBUG=1 shows where)";
        Console.Error.WriteLine($"emu: {line}");
        if (Environment.GetEnvironmentVariable("EMU_DEBUG") == "1") Console.Error.WriteLine(e);
        return e is UsageException or PluginException ? Wrong : (e as UserException)?.Code ?? Failed;
    }
}

/// <summary>Emu was called wrongly; the message is one line for the user.</summary>
sealed class UsageException(string message) : Exception(message);
