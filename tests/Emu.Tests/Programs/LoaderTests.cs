using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>
/// Which library a program gets is decided when it runs: DT_RPATH, DT_RUNPATH, $ORIGIN, LD_LIBRARY_PATH and LD_PRELOAD, whatever was there when it was
/// translated. The code is that of the build where the library is, else the fallback's; what it met is translated in the next build.
/// </summary>
[Collection("libc")]
public class LoaderTests
{
    static readonly string Folder = Repository.Work("loader");
    const string All = "nothing was translated at run time";

    static string In(string name) => Path.Combine(Folder, name);

    static void Compile(string name, string source, params string[] options)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(name))!);
        File.WriteAllText(In(name + ".c"), source);
        Repository.Run("gcc", ["-O1", In(name + ".c"), "-o", In(name), .. options]);
    }

    static string Build(string program, string also = "", string more = "--no-profile")
    {
        var said = Shell.Run($"cd {Folder}; unset EMU_CACHE; export LD_LIBRARY_PATH={Folder}/a; emu build {more} {also} ./{program} -o {program}.emu");
        return said.Code == 0 ? $"./{program}.emu" : throw new InvalidOperationException(said.Error);
    }

    /// <summary>Compares with native. Returns what the runner says of the fallback.</summary>
    static string Same(string runner, string program, string environment)
    {
        Said native = Shell.Run($"cd {Folder}; {environment} ./{program}"), translated = Shell.Run($"cd {Folder}; unset EMU_CACHE; export EMU_STATS=1; {environment} bash -c 'exec -a ./{program} {runner}'");
        string error = string.Concat(translated.Error.Split('\n').Where(l => l != "" && !l.StartsWith("emu: ", StringComparison.Ordinal)).Select(l => l + "\n"));
        Assert.Equal(native, translated with { Error = error });
        return translated.Error;
    }

    [Fact]
    public void LibrariesAreFoundAsNatively()
    {
        foreach (var (name, value) in (ReadOnlySpan<(string, int)>)[("a/libvalue.so", 1), ("b/libvalue.so", 2), ("preloaded.so", 3), ("other.so", 4)])
            Compile(name, $"int value(void) {{ return {value}; }}", "-shared", "-fPIC");
        foreach (var (name, option) in (ReadOnlySpan<(string, string)>)[("none", ""), ("rpath", $"-Wl,--disable-new-dtags,-rpath,{In("a")}"), ("runpath", $"-Wl,--enable-new-dtags,-rpath,{In("a")}"), ("origin", "-Wl,-rpath,$ORIGIN/b")])
            Compile(name, "#include <stdio.h>\nint value(void);\nint main(void) { return printf(\"%d\\n\", value()) + value(); }", $"-L{In("a")}", "-lvalue", option == "" ? "-g0" : option);
        foreach (string program in (string[])["none", "rpath", "runpath", "origin"])
        {
            string runner = Build(program, $"--also {In("preloaded.so")}");
            foreach (string environment in (string[])["", $"LD_LIBRARY_PATH={In("a")}", $"LD_LIBRARY_PATH={In("b")}", $"LD_PRELOAD={In("other.so")}", "LD_BIND_NOW=1"])
                Same(runner, program, environment);
            string said = Same(runner, program, $"LD_LIBRARY_PATH={In("a")} LD_PRELOAD={In("preloaded.so")}");
            if (program != "origin") Assert.Contains(All, said);
        }
    }

    [Fact]
    public void APreloadedLibraryIsLearnt()
    {
        int once = Random.Shared.Next(); // nobody has seen this program before
        Compile("c/libvalue.so", "int value(void) { return 1; }", "-shared", "-fPIC");
        Compile("learnt.so", $"int value(void) {{ return {once}; }}", "-shared", "-fPIC");
        Compile("learns", $"#include <stdio.h>\nint value(void);\nint main(void) {{ return printf(\"%d {once}\\n\", value()); }}", $"-L{In("c")}", "-lvalue", $"-Wl,-rpath,{In("c")}");
        string preload = $"LD_PRELOAD={In("learnt.so")}";
        Assert.DoesNotContain(All, Same(Build("learns", more: ""), "learns", preload));
        Assert.Contains(All, Same(Build("learns", more: ""), "learns", preload));
    }
}
