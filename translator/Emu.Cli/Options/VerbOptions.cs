using CommandLine;
using AddressRange = Emu.Instrumentation.AddressRange;

namespace Emu.Cli.Options;

/// <summary>What every verb has.</summary>
abstract class VerbOptions
{
    /// <summary>Words that belong to nothing: an error.</summary>
    [Value(1, Hidden = true)]
    public IEnumerable<string> Extra { get; set; } = [];
}

/// <summary>How to translate.</summary>
abstract class TranslationOptions : VerbOptions
{
    /// <summary>What <see cref="Words.ListsLast"/> puts between the words of a list.</summary>
    public const char Between = '\n';

    [Option('p', "plugin", Separator = Between, MetaValue = "NAME,KEY=VALUE", HelpText = "Instrument with a plugin (`emu plugins` lists them), or with your own: ./MyPass.dll or a folder with sources. May be said more than once.")]
    public IEnumerable<string> Plugins { get; set; } = [];

    /// <summary>Those of them that are the user's own passes.</summary>
    public IEnumerable<string> OwnPlugins => Plugins.Where(p => Emu.Instrumentation.PluginCatalog.IsPath(p.Split(',')[0]));

    [Option("only", Separator = Between, MetaValue = "CODE", HelpText = "Show the plugins this code only: a FILE (the program or a library of it), a SYMBOL (main, sort*, libc.so.6!malloc) or a range 0xFROM-0xTO. May be said more than once.")]
    public IEnumerable<string> Only { get; set; } = [];

    [Option("exclude", Separator = Between, MetaValue = "CODE", HelpText = "Do not show the plugins this code, whatever --only says. May be said more than once.")]
    public IEnumerable<string> Exclude { get; set; } = [];

    [Option('O', "level", MetaValue = "0..3", HelpText = "Optimisation level (2).")]
    public int? AskedLevel { get; set; }

    [Option('j', "jobs", MetaValue = "N", HelpText = "Compile on that many cores (all).")]
    public int? AskedJobs { get; set; }

    [Option("aot", MetaValue = "PERCENT", HelpText = "How much to translate ahead of time: all (the default: a minute or two, once, then native speed), none (it starts at once, and code is translated as it is met), or a part: 90%.")]
    public string? AskedCoverage { get; set; }

    [Option("no-profile", HelpText = "Do not use what earlier runs of the program learnt: code that was not found ahead of time.")]
    public bool NoProfile { get; set; }

    [Option("follow-exec", HelpText = "Also translate the programs that the program executes, each with the same plugins.")]
    public bool FollowExec { get; set; }

    [Option("also", MetaValue = "LIBRARY", HelpText = "Also translate a library that the program opens while it runs (several: LIBRARY:LIBRARY).")]
    public string? AskedAlso { get; set; }

    public IReadOnlyList<string> Also => AskedAlso?.Split(':', StringSplitOptions.RemoveEmptyEntries) ?? [];

    public int Coverage => AskedCoverage switch
    {
        null or "all" => 100,
        "none" => 0,
        var text => int.TryParse(text.TrimEnd('%'), out int percent) && percent is >= 0 and <= 100 ? percent : throw new UsageException($"--aot {text}: none, all, or a percentage"),
    };
    public int Level => AskedLevel ?? 2;
    public int Jobs => AskedJobs ?? Environment.ProcessorCount;

    /// <summary>Refuses values that have no meaning.</summary>
    public void Check()
    {
        _ = Coverage;
        if (Level is < 0 or > 3) throw new UsageException($"-O {Level}: levels are 0, 1, 2 and 3");
        foreach (var (option, texts) in (ReadOnlySpan<(string, IEnumerable<string>)>)[("--only", Only), ("--exclude", Exclude)])
            foreach (string text in texts) Check(option, text);
        if (Jobs is < 1 or > 1024) throw new UsageException($"-j {Jobs}: a number of cores");
    }

    void Check(string option, string text)
    {
        if (!Plugins.Any()) throw new UsageException($"{option} {text}: it says what plugins see, and there is none (-p; emu plugins lists them)");
        if (text == "") throw new UsageException($"{option}: needs a file, a symbol or a range 0xFROM-0xTO");
        if (AddressRange.IsMeant(text) && AddressRange.Parse(text) is null) throw new UsageException($"{option} {text}: {AddressRange.Form}");
    }
}

[Verb("build", HelpText = "Translate a program into a native executable, a runner.")]
sealed class BuildOptions : TranslationOptions
{
    [Value(0, MetaName = "GUEST", Required = true, HelpText = "The program to translate.")]
    public string Guest { get; set; } = "";

    [Option('o', "output", MetaValue = "RUNNER", HelpText = "Where the runner goes (./GUEST.emu).")]
    public string? Output { get; set; }

    [Option("no-aslr", HelpText = "Stack and mappings are at the same addresses in each run, also of the programs that it executes: counts are the same.")]
    public bool NoAslr { get; set; }

    [Option("bundle", HelpText = "Put what translates code that is met at run time beside the runner, in emu-fallback/ (190 MiB), for machines without emu.")]
    public bool Bundle { get; set; }
}

[Verb("run", HelpText = "Translate a program (once) and run it.")]
sealed class RunOptions : TranslationOptions
{
    [Option("no-aslr", HelpText = "Stack and mappings are at the same addresses in each run, also of the programs that it executes: counts are the same.")]
    public bool NoAslr { get; set; }

    [Option("json", HelpText = "Print the report as JSON: an object with a member for each plugin.")]
    public bool Json { get; set; }

    [Option('r', "report", MetaValue = "FILE", HelpText = "Write the report to a file (standard output, after the guest's own).")]
    public string? Report { get; set; }

    [Option('d', "data", MetaValue = "FILE", HelpText = "Keep what was collected in a file, for `emu report` ($EMU_DATA does the same). FILE may have %p (process), %b (guest), %t (time), %h (host), %n (a free number).")]
    public string? Data { get; set; }

    [Value(0, Hidden = true)]
    public string? Stray { get; set; }
}

[Verb("runner", Hidden = true, HelpText = "Print the path of a program's runner, made when there is none.")]
sealed class RunnerOptions : TranslationOptions;

[Verb("verify", HelpText = "Run a program natively and translated, and compare.")]
sealed class VerifyOptions : TranslationOptions
{
    [Value(0, MetaName = "GUEST", Required = true, HelpText = "The program to compare; its arguments come after --.")]
    public string Guest { get; set; } = "";
}

[Verb("show", HelpText = "Show a program's code at any stage of the translation.")]
sealed class ShowOptions : TranslationOptions
{
    [Value(0, MetaName = "GUEST", Required = true, HelpText = "The program to look at.")]
    public string Guest { get; set; } = "";

    [Option('f', "function", MetaValue = "SYMBOL|ADDRESS", HelpText = "Which code (all).")]
    public string? Function { get; set; }

    [Option('s', "stage", MetaValue = "STAGE", HelpText = "cfg, lift, instrumented, flags, lowered, llvm or asm. Without it: a list of regions, or with --function: lift.")]
    public string? Stage { get; set; }

    [Option('m', "missing", HelpText = "List what is not translated: instructions and indirect jumps.")]
    public bool Missing { get; set; }
}

[Verb("plugins", HelpText = "List the built-in plugins and their options.")]
sealed class PluginsOptions : VerbOptions;

[Verb("report", HelpText = "Print what an instrumented run collected.")]
sealed class ReportOptions : VerbOptions
{
    [Value(0, MetaName = "FILE", Required = true, HelpText = "A data file: `emu run --data FILE`, or GUEST.emudata of a runner.")]
    public string File { get; set; } = "";

    [Option("json", HelpText = "An object with a member for each plugin.")]
    public bool Json { get; set; }

    [Option("misses", HelpText = "FILE is a program: list the code that its runs met and that was not translated ahead of time, with the reason.")]
    public bool Misses { get; set; }
}

[Verb("doctor", HelpText = "Say what is installed and what guests see.")]
sealed class DoctorOptions : VerbOptions;

[Verb("cache", HelpText = "Say where translations are kept and how large they are, or remove them.")]
sealed class CacheOptions : VerbOptions
{
    [Option("path", HelpText = "Print the folder only.")]
    public bool Path { get; set; }

    [Option("size", HelpText = "Print the size in bytes only.")]
    public bool Size { get; set; }

    [Option("clear", HelpText = "Remove everything in it.")]
    public bool Clear { get; set; }
}
