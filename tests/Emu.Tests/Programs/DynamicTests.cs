using System.Diagnostics;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>A program with a library of its own, and one that it opens: recognised, changed, not there, in another place.</summary>
[Collection("libc")] // translated once for both
public class DynamicTests
{
    const string Program = """
        #include <dlfcn.h>
        #include <setjmp.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int needed(int);
        static jmp_buf back;
        static int again(void) {
            volatile int times = 0;
            if (setjmp(back) < 3) longjmp(back, ++times);
            return times;
        }
        static int child(void) {
            int status;
            pid_t pid = vfork();
            if (!pid) kill(getpid(), SIGKILL);
            return waitpid(pid, &status, 0) == pid ? status : -1;
        }
        static int backwards(const void *a, const void *b) { return *(const int *)b - *(const int *)a; }
        int main(int argc, char **argv) {
            int numbers[] = {3, 1, 2};
            qsort(numbers, 3, sizeof *numbers, backwards);
            printf("%s %d %d%d%d %d %d\n", argv[0], needed(argc), numbers[0], numbers[1], numbers[2], again(), child());
            for (int round = 0; argc > 1 && round < 2; round++) {
                void *library = dlopen(argv[1], RTLD_NOW);
                if (!library) { puts("none"); continue; }
                printf("opened %d\n", ((int (*)(int))dlsym(library, "opened"))(round));
                dlclose(library);
            }
            return argc > 2 ? *(volatile int *)8 : 0;
        }
        """;

    static readonly string Folder = Repository.Work("dynamic");
    static readonly Lazy<string> Built = new(Build);

    static string In(string name) => Path.Combine(Folder, name);

    static void Library(string name, string source)
    {
        File.WriteAllText(In(name + ".c"), source);
        File.Delete(In(name));
        Repository.Run("gcc", "-O2", "-shared", "-fPIC", "-o", In(name), In(name + ".c"));
    }

    /// <summary>The program, its libraries, and its runner, which knows the library that it needs and the one that it opens.</summary>
    static string Build()
    {
        Library("libneeded.so", "int twice(int n) { return 2 * n; } int needed(int n) { return twice(n) + 40; }");
        Library("libopened.so", "static int calls; int opened(int n) { return n + 7 + 100 * calls++; }");
        Library("libunknown.so", "static int calls; int opened(int n) { return n - 7 + 100 * calls++; }");
        Library("libmaybe.so", """
            __asm__(".globl opened\nopened: test %edi, %edi\n je 1f\n mov $5, %r11d\n 1: test %edi, %edi\n je 2f\n mov %r11d, %eax\n ret\n 2: xor %eax, %eax\n ret");
            """);
        File.WriteAllText(In("program.c"), Program);
        Repository.Run("gcc", "-O2", "-o", In("program"), In("program.c"), In("libneeded.so"), "-Wl,-rpath,$ORIGIN");
        Repository.Run(Path.Combine(Repository.Root, "emu"), "build", In("program"), "--no-profile", "--also", In("libopened.so"), "-o", In("runner"));
        return In("runner");
    }

    static (string Out, string Error, int Status) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", "ulimit -c 0; exec -a guest \"$@\"", "-", program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["EMU_STATS"] = "1";
        start.Environment["EMU_CACHE"] = In("cache");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output, error.Result, process.ExitCode);
    }

    static string Same(params string[] arguments)
    {
        var (native, translated) = (Run(In("program"), arguments), Run(Built.Value, arguments));
        Assert.Equal((native.Out, native.Status), (translated.Out, translated.Status));
        return translated.Error;
    }

    /// <summary>A library that no build knew is where it was in the run before, and nothing of it is made by LLVM again.</summary>
    [Fact]
    public void The_next_run_finds_objects()
    {
        Library("libfar.so", "int opened(int n) { return n - 9; }");
        File.WriteAllText(In("where.c"), """
            #include <dlfcn.h>
            #include <stdio.h>
            int main(int argc, char **argv) {
                void *opened = dlsym(dlopen(argv[1], RTLD_NOW), "opened");
                printf("%p %d\n", opened, ((int (*)(int))opened)(argc));
            }
            """);
        Repository.Run("gcc", "-O2", "-o", In("where"), In("where.c"));
        var runner = Runners.Build(In("where"), Runners.NoPlugins, aot: "none");
        var cache = Directory.CreateTempSubdirectory("emu-cache-");
        (string Said, int Objects) Far()
        {
            var run = Repository.RunAny("/usr/bin/env", $"EMU_CACHE={cache.FullName}", "EMU_TIER=2", runner, In("libfar.so"));
            return (run.Output + run.Errors, cache.GetFiles("*.o", SearchOption.AllDirectories).Length);
        }
        var (first, second) = (Far(), Far());
        Assert.Matches("^0x7e[0-9a-f]+ -7\n$", first.Said);
        Assert.Equal(first.Said, second.Said);
        Assert.True(first.Objects > 100, $"{first.Objects} objects");
        Assert.InRange(second.Objects - first.Objects, 0, first.Objects / 20); // the stack is elsewhere: string functions take other ways
        cache.Delete(recursive: true);
    }

    [Fact]
    public void Libraries_are_recognised_and_changed_ones_are_not()
    {
        _ = Built.Value;
        const string all = "nothing was translated at run time";
        Assert.Contains(all, Same());
        Assert.Contains(all, Same(In("libopened.so")));
        Assert.DoesNotContain(all, Same(In("libunknown.so")));
        Assert.Contains(all, Same(In("nowhere.so")));
        Same(In("libmaybe.so")); // reads r11 only where it has set it: nobody passes one

        // The same bytes in another file are the same library; other bytes in its place are not.
        File.Copy(In("libneeded.so"), In("copy"), overwrite: true);
        File.Move(In("copy"), In("libneeded.so"), overwrite: true);
        Assert.Contains(all, Same());
        Library("libneeded.so", "int twice(int n) { return 3 * n; } int needed(int n) { return twice(n) + 50; }");
        string error = Same();
        Assert.Contains("libneeded.so is not what was translated", error);
        Assert.DoesNotContain(all, error);
    }
}
