using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Callees with conventions other than the psABI's, and returns that look like jumps: natively, ahead of time and at run time.</summary>
[Collection("libc")] // translated once for those that are linked dynamically
public class ConventionTests
{
    /// <summary>The right number, at argument counts of one and two.</summary>
    const string Regcall = """
        #include <stdio.h>
        #include <stdlib.h>
        typedef long __attribute__((regcall)) (*fn)(long, long, long, long, long, long, long, long);
        static long __attribute__((regcall, noinline)) f(long a, long b, long c, long d, long e, long g, long h, long i) { return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * g + 1000000 * h + 10000000 * i; }
        static long __attribute__((regcall, noinline)) k(long a, long b, long c, long d, long e, long g, long h, long i) { return a - b; }
        fn volatile table[2] = {f, k};
        int main(int argc, char **argv) { long x = argc + 4; for (int n = 0; n < 2; n++) printf("%ld\n", table[n](x * 1, x * 2, x * 3, x * 4, x * 5, x * 6, x * 7, x * 8)); }
        """;

    const string Naked = """
        #include <stdio.h>
        __attribute__((naked, noinline)) static void nothing(void) { __asm__("ret"); }
        __attribute__((naked, noinline)) static void inc(void) { __asm__("inc %rax; ret"); }
        void (*volatile fn[2])(void) = {nothing, inc};
        int main(int argc, char **argv) {
            for (int n = 0; n < 2; n++) {
                unsigned long r = 0x123456789abcUL + argc;
                __asm__ volatile("call *%1" : "+a"(r) : "r"(fn[n]) : "memory", "cc");
                printf("%lx\n", r);
            }
        }
        """;

    const string Profiled = """
        #include <stdio.h>
        __attribute__((noinline)) int compare(const int *a, const int *b) { return *a - *b; }
        __attribute__((noinline)) int through(int a, int b, int c, int (*to)(int, int, int)) { return to(a, b, c); }
        static int last(int a, int b, int c) { return a + 10 * b + 100 * c; }
        int main() { int x = 5, y = 3, s = 0; for (int i = 0; i < 1000; i++) s += compare(&x, &y); printf("%d %d\n", s, through(1, 2, 3, last)); return 0; }
        """;

    [Theory]
    [InlineData("regcall", "clang-19 -O1 -c {0}.c -o {0}.o && musl-gcc -static {0}.o -o {0}", Regcall)]
    [InlineData("naked", "musl-gcc -O1 -static {0}.c -o {0}", Naked)]
    [InlineData("mcount", "gcc -O2 -pg -no-pie {0}.c -o {0}", Profiled)]
    [InlineData("fentry", "gcc -O2 -pg -mfentry {0}.c -o {0}", Profiled)]
    public void CalleesKeepMoreOrReadMore(string name, string command, string source)
    {
        string folder = Repository.Work("conventions", name), program = Path.Combine(folder, name);
        File.WriteAllText(program + ".c", source);
        Repository.Run("/bin/bash", "-c", $"cd {folder} && {string.Format(System.Globalization.CultureInfo.InvariantCulture, command, program)}");
        string native = Repository.Run("/bin/bash", "-c", $"cd {folder} && {program}");
        Repository.Run(Path.Combine(Repository.Root, "emu"), "build", program, "--no-profile", "-o", program + ".emu");
        Assert.Equal(native, Repository.Run("/bin/bash", "-c", $"cd {folder} && {program}.emu"));
    }

    /// <summary>`./test fuzz conventions`, one program of one module and one of three.</summary>
    [Theory]
    [InlineData(3, 1)]
    [InlineData(4, 3)]
    public void RandomConventions(ulong seed, int modules) =>
        Assert.Null(AssemblyFuzz.Differs(Repository.Work("conventions", $"{seed}"), new AssemblyFuzz(seed).Conventions(40, modules)));

    /// <summary>`./test fuzz frames`.</summary>
    [Fact]
    public void RandomFrames() => Assert.Null(AssemblyFuzz.Differs(Repository.Work("conventions", "frames"), new AssemblyFuzz(1).Frames(20, 1_000_000)));
}
