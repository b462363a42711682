using System.Text.Json;
using System.Text.RegularExpressions;
using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>
/// The plugin "syscalls" against strace: the same calls in the same order, with the same results and paths. Different by definition: the
/// first execve is nobody's here; clocks are system calls, as guests have no vDSO; numbers of processes and addresses are those of the run;
/// rt_sigreturn has no result; signals that nobody handles are not shown.
/// </summary>
public sealed partial class SystemCallTests
{
    const string Program = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <signal.h>
        #include <stdlib.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <unistd.h>
        static void on(int s) { write(2, "handled\n", 8); }
        int main(void) {
            struct sigaction a = {.sa_handler = on};
            char long_path[300] = "/";
            for (int i = 1; i < 299; i++) long_path[i] = "abc/"[i & 3];
            sigaction(SIGUSR1, &a, 0);
            sigaction(SIGALRM, &a, 0);
            access("/etc/passwd", R_OK);
            open("/not\there", O_RDONLY);
            open(long_path, O_RDONLY);
            open((char *)8, O_RDONLY);
            close(-1);
            rename("/nowhere/a", "/nowhere/b");
            syscall(9999, 1);
            syscall(SYS_read, 0xffffffffffffffff, 0, 0);
            kill(getpid(), SIGUSR1);
            alarm(1), pause();
            if (!fork()) write(2, "child\n", 6), _exit(3);
            wait(0);
            char *argv[] = {"none", 0};
            execv("/none", argv);
            exit(5);
        }
        """;

    static readonly string Folder = Repository.Work("syscalls");

    [GeneratedRegex(@"^(\w+)\((.*?)\)\s+= (-?\w+|\?)(?: (E\w+))?")]
    private static partial Regex Call();

    static string Guest()
    {
        string source = Path.Combine(Folder, "program.c"), made = Path.Combine(Folder, "program");
        File.WriteAllText(source, Program);
        Repository.Run("musl-gcc", "-O1", "-static", "-o", made, source);
        return made;
    }

    /// <summary>What both must say, line by line.</summary>
    static string[] Normal(IEnumerable<string> lines) => [.. lines.Select(Normal).OfType<string>()];

    static string? Normal(string line)
    {
        if (line.StartsWith("--- SIG", StringComparison.Ordinal)) return line.Split(' ')[1] is var signal && signal != "SIGCHLD" ? signal : null;
        if (Call().Match(line) is not { Success: true } m) return null;
        var (name, result, error) = (m.Groups[1].Value, m.Groups[3].Value, m.Groups[4].Value);
        if (name is "execve" && result == "0" || name.StartsWith("clock_gettime", StringComparison.Ordinal)) return null;
        if (name is "rt_sigreturn") result = error = "";
        if (name is "set_tid_address" or "gettid" or "getpid" or "fork" or "wait4" or "brk" or "mmap" && error == "") result = "some";
        if (error.StartsWith("ERESTART", StringComparison.Ordinal)) (result, error) = ("-1", "EINTR"); // what the guest sees
        string paths = string.Join(' ', name is "write" or "read" ? [] : Regex.Matches(m.Groups[2].Value, "\"[^\"]*\"").Select(p => p.Value));
        return $"{name.Replace("syscall_0x270f", "syscall_9999")}({paths}) = {result} {error}";
    }

    static string[] OfFirstThread(string report) => [.. report.Split('\n').SkipWhile(l => !l.StartsWith("thread", StringComparison.Ordinal)).Skip(1).TakeWhile(l => l != "")];

    [Fact]
    public void TheTraceIsThatOfStrace()
    {
        string guest = Guest();
        var native = Shell.Run($"strace -s 300 -o {Folder}/strace {guest}");
        var said = Shell.Run($"emu run -p syscalls,trace=on -r {Folder}/trace -- {guest}");
        Assert.Equal((native.Code, native.Error), (said.Code, said.Error));
        string[] expected = Normal(File.ReadLines($"{Folder}/strace").Where(l => !l.Contains("\"/none\""))), found = Normal(OfFirstThread(File.ReadAllText($"{Folder}/trace")).Where(l => !l.Contains("\"/none\"")));
        Assert.True(expected.Length > 20, string.Join('\n', expected));
        Assert.Equal(string.Join('\n', expected), string.Join('\n', found));
    }

    [Fact]
    public void CountsAreThoseOfTheTrace()
    {
        string guest = Repository.Run(Path.Combine(Repository.Root, "tests/guests/build"), "folders", "musl-O2-static").Trim();
        Shell.Run($"strace -o {Folder}/strace.folders {guest}");
        var expected = File.ReadLines($"{Folder}/strace.folders").Select(l => Call().Match(l)).Where(m => m.Success && m.Groups[1].Value != "execve")
            .GroupBy(m => m.Groups[1].Value).ToDictionary(g => g.Key, g => (g.Count(), g.Count(m => m.Groups[4].Value != "")));
        using var report = JsonDocument.Parse(Shell.Run($"emu run -p syscalls --json -r {Folder}/counts -- {guest}; cat {Folder}/counts").Out.Split('\n').SkipWhile(l => !l.StartsWith('{')).Aggregate("", (a, b) => a + b));
        var found = report.RootElement.GetProperty("syscalls").EnumerateObject().Where(p => p.Name != "clock_gettime")
            .ToDictionary(p => p.Name, p => (p.Value.GetProperty("calls").GetInt32(), p.Value.GetProperty("errors").GetInt32()));
        Assert.Equal(expected.OrderBy(p => p.Key), found.OrderBy(p => p.Key));
        Assert.All(report.RootElement.GetProperty("syscalls").EnumerateObject().Where(p => p.Name != "exit_group"), p => Assert.True(p.Value.GetProperty("nanoseconds").GetInt64() > 0));
    }
}
