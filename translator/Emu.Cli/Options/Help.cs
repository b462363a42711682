using CommandLine;
using CommandLine.Text;

namespace Emu.Cli.Options;

/// <summary>The words for people: help and what was wrong with a command line.</summary>
static class Help
{
    public const string Overview = """
        emu translates x86-64 Linux programs into native executables, with instrumentation compiled in.

          emu run -- ls -l                                   translate (once: this takes a minute) and run at native speed
          emu run --aot none -- ls -l                        translate what is met while it runs: it starts at once
          emu run --aot none -p insns -- perl -e 'print 1'   count instructions, print a report after the run
          emu run -p blocks,top=5 -p opcodes -- ./prog ARGS  two plugins at once
          emu run -p insns --json -r out.json -- ./prog      the report as JSON, to a file
          emu run -p memtrace -d trace.data -- ./prog        keep what was collected ...
          emu report trace.data                              ... and print it again
          emu build ./prog -p insns -o prog.emu              an executable of its own, to run later and elsewhere
          emu verify ./prog -- ARGS                          native and translated: is everything the same?
          emu show ./prog -f main -s asm                     one function's code, here what the CPU will run
          emu show ./prog --missing                          what is not translated

        Verbs: build run verify show plugins report doctor cache; `emu VERB --help` says more about each.
        Exit code: the guest's own (run); otherwise 0, 1 when something failed, 2 when emu was called wrongly.

        """;

    static string Usage(string verb) => verb switch
    {
        "build" => """
            emu build GUEST [-o RUNNER] [-p NAME,KEY=VALUE]... [--only CODE]... [--exclude CODE]... [-O 0..3] [-j N]

              emu build /bin/ls -o ls.emu && ./ls.emu -l
              emu build ./prog -p insns -o prog.emu && ./prog.emu && emu report prog.emudata

            A runner with plugins writes what it collects to $EMU_DATA (./GUEST.emudata; where that is there, ./GUEST.2.emudata ...).
            A name may have %p (process), %b (guest), %t (seconds since 1970), %h (host), %n (a free number) and %%.
            """,
        "run" => """
            emu run [-p NAME,KEY=VALUE]... [--only CODE]... [--exclude CODE]... [-O 0..3] [-j N] [--json] [-r FILE] [-d FILE] -- GUEST ARGS

              emu run -- ls -l
              emu run --aot none -p blocks -- ls -l
              emu run -p insns --json -r insns.json -- ./prog <input >output
              emu run -p memtrace --only ./prog --exclude 'log*' -- ./prog
              emu run -p insns --follow-exec -- sh -c 'ls | wc'

            Standard input, signals and the exit code are the guest's. The report comes after the run, on standard
            output unless -r names a file (/dev/stderr, say). What was collected is thrown away unless -d names a file.
            With --follow-exec each program that is executed has its own: FILE.PID.
            """,
        "verify" => """
            emu verify GUEST [-p NAME,KEY=VALUE]... [-O 0..3] [-j N] [-- ARGS]

              emu verify sort -- README.md
              printf 'b\na\n' | emu verify sort

            Runs GUEST twice, natively first, with the same input. Exit code 1 and the first difference if stdout,
            stderr or the way it ended differ.
            """,
        "show" => """
            emu show GUEST [-f SYMBOL|ADDRESS] [-s STAGE] [-p NAME,KEY=VALUE]... [--missing]

              emu show ./prog                        every region: address, size, name
              emu show ./prog -f main -s lift        the IR of a function
              emu show ./prog -f 0x401136 -s asm     the code that will run
              emu show ./prog -f main -s instrumented -p memtrace

            Stages, in order: cfg, lift, instrumented, flags, lowered (LLVM's input), llvm (its output), asm.
            """,
        "report" => """
            emu report FILE [--json]
            emu report --misses GUEST

              emu run -p insns -d prog.data -- ./prog && emu report prog.data --json
            """,
        "cache" => """
            emu cache [--path | --size | --clear]

            The folder is $EMU_CACHE, else $XDG_CACHE_HOME/emu, else ~/.cache/emu.
            """,
        _ => $"emu {verb}",
    };

    /// <summary>A verb's help: how it is called, examples, and its options.</summary>
    public static string Of(ParserResult<object> result, string verb)
    {
        var options = new HelpText("", "") { AddDashesToOption = true, AddNewLineBetweenHelpSections = false, AdditionalNewLineAfterOption = false, AutoVersion = false, MaximumDisplayWidth = 110 };
        options.AddOptions(result);
        string text = options.ToString().TrimEnd().TrimStart('\r', '\n');
        return $"{Usage(verb)}\n\n{text}\n";
    }

    /// <summary>What was wrong with the command line, in one line.</summary>
    public static string Explain(Error error, string verb) => error switch
    {
        BadVerbSelectedError e => $"there is no verb '{e.Token}' (build run verify show plugins report doctor cache; emu --help)",
        NoVerbSelectedError => "a verb is missing (emu --help)",
        UnknownOptionError e => verb.StartsWith('-') ? $"there is no option {verb} (emu --help)" : $"{verb}: there is no option {Dashes(e.Token)} (emu {verb} --help)",
        MissingValueOptionError e => $"{verb}: {Name(e.NameInfo)} needs a value (emu {verb} --help)",
        BadFormatConversionError e => $"{verb}: {Name(e.NameInfo)} needs a number (emu {verb} --help)",
        RepeatedOptionError e => $"{verb}: {Name(e.NameInfo)} is said twice",
        MissingRequiredOptionError => $"{verb}: {(verb == "report" ? "FILE" : "GUEST")} is missing (emu {verb} --help)",
        TokenError e => $"{verb}: '{e.Token}' is not understood (emu {verb} --help)",
        _ => $"{verb}: the command line is not understood ({error.Tag}; emu {verb} --help)",
    };

    static string Dashes(string option) => option.Length == 1 ? $"-{option}" : $"--{option.TrimStart('-')}";

    static string Name(NameInfo name) => name.ShortName != "" ? $"-{name.ShortName}" : $"--{name.LongName}";
}
