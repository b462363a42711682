using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Oracle;

/// <summary>The guests of the event oracle: builds them and the single-stepper, and traces native runs.</summary>
public static class TinyGuests
{
    static readonly Lock Building = new();

    /// <summary>Names of tests/guests/tiny, for [MemberData].</summary>
    public static TheoryData<string> All => new(Repository.Run(Script, "--tiny").Split('\n', StringSplitOptions.RemoveEmptyEntries));

    static string Script => Path.Combine(Repository.Root, "tests/guests/build");

    /// <summary>Builds a tiny guest and returns its path.</summary>
    public static string Build(string name)
    {
        lock (Building)
            return Repository.Run(Script, name, "tiny").Trim();
    }

    static int traces;

    /// <summary>What the guest does natively.</summary>
    public static NativeTrace Trace(string name)
    {
        var guest = Build(name);
        var log = Path.Combine(Path.GetTempPath(), $"emu-step-{Environment.ProcessId}-{Interlocked.Increment(ref traces)}.log");
        try
        {
            Repository.RunAny(Stepper(), log, "--", guest);
            return NativeTrace.From(new(guest), StepLog.Read(log));
        }
        finally
        {
            File.Delete(log);
        }
    }

    /// <summary>The single-stepper.</summary>
    public static string Stepper()
    {
        var source = Path.Combine(Repository.Root, "tests/oracle/steptrace.c");
        var program = Path.Combine(Repository.Root, ".build/oracle/steptrace");
        lock (Building)
        {
            if (File.Exists(program) && File.GetLastWriteTimeUtc(program) > File.GetLastWriteTimeUtc(source))
                return program;
            Directory.CreateDirectory(Path.GetDirectoryName(program)!);
            Repository.Run("clang-19", "-std=c17", "-Wall", "-Wextra", "-Werror", "-O2", source, "-o", program);
            return program;
        }
    }
}
