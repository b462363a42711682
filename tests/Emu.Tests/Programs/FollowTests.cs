using System.Text.Json;
using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>--follow-exec: programs that a translated one executes are translated, and see and return what they would natively (execs.c).</summary>
[Collection("libc")]
public class FollowTests
{
    static readonly string Folder = Repository.Work("follow");

    /// <summary>A folder with the program as ./executed, and a link to it.</summary>
    static string Fresh(string compiler, params string[] options)
    {
        string made = Path.Combine(Folder, compiler + string.Concat(options));
        if (Directory.Exists(made)) Directory.Delete(made, recursive: true);
        Directory.CreateDirectory(Path.Combine(made, "sub"));
        Repository.Run(compiler, ["-O1", "-w", .. options, "-o", Path.Combine(made, "executed"), Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/execs.c")]);
        File.CreateSymbolicLink(Path.Combine(made, "link"), "executed");
        return made;
    }

    [Theory]
    [InlineData("gcc")]
    [InlineData("musl-gcc", "-static")]
    public void AsNatively(string compiler, params string[] options)
    {
        foreach (string act in (string[])["ways x", "failures", "scripts"])
        {
            string Command(string how) => $"cd {Fresh(compiler, options)}; env -i PATH=/usr/bin:/bin EMU_CACHE=${{HOME}}/.cache/emu {how} ./executed {act}";
            Said native = Shell.Run(Command("")), translated = Shell.Run(Command($"{Repository.Root}/emu run --follow-exec --"));
            Assert.Equal(native, translated);
            Assert.True(native.Out.Split('\n').Length > 15, native.Out);
        }
    }

    /// <summary>Each program has its report, also one that executes another in its place.</summary>
    [Fact]
    public void PluginsSeeTheChildren() => Assert.Equal(2, Reports("failures x", silent: 1).Count(p => p == "executed"));

    [Fact]
    [Trait("Category", "Long")]
    public void PluginsSeeShells() => Assert.Contains("dash", Reports("scripts x", silent: 3));

    /// <summary>The names of the programs in the report.</summary>
    /// <param name="silent">How often the program says nothing of itself, but executes itself: at first, and by a script with other words.</param>
    static string[] Reports(string act, int silent)
    {
        string folder = Fresh("musl-gcc", "-static");
        var said = Shell.Run($"cd {folder}; unset EMU_CACHE; emu run --follow-exec -p insns --json -r report -d collected -- ./executed {act}");
        Assert.Equal((42, ""), (said.Code, said.Error));
        using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "report")));
        var programs = report.RootElement.EnumerateArray().Select(p => (Name: Path.GetFileName(p.GetProperty("program").GetString()!), Process: p.GetProperty("process").GetString()!, Instructions: p.GetProperty("report").GetProperty("insns").GetProperty("total").GetInt64())).ToArray();
        Assert.All(programs, p => Assert.True(p.Instructions > 1000));
        Assert.Equal(("executed", ""), (programs[0].Name, programs[0].Process));
        Assert.Equal(said.Out.Split('\n').Count(l => l.Contains("execfn")) + silent, programs.Count(p => p.Name == "executed"));
        Assert.Equal(programs.Length, programs.Select(p => p.Process).Distinct().Count());
        Assert.All(programs.Skip(1), p => Assert.True(File.Exists(Path.Combine(folder, $"collected.{p.Process}"))));
        return [.. programs.Select(p => p.Name)];
    }

    /// <summary>Pipelines, scripts and a build of one's own.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public void ShellsAndTheirPrograms()
    {
        string folder = Fresh("musl-gcc", "-static");
        File.WriteAllText(Path.Combine(folder, "script"), """
            #!/bin/bash
            printf 'c\nb\na\n' | sort | tr a-z A-Z | head -2
            (exec ls -d /)
            env -i /bin/echo from env
            x=$(seq 1 2000 | awk '{ s += $1 } END { print s }'); echo $x
            for f in executed link; do test -x $f && stat -c %F $f; done
            find . -name exec\* -exec basename {} \; | xargs -n1 echo found
            trap 'echo trapped' USR1; kill -USR1 $$
            /no/such/program; echo $?
            sleep 0 & wait $!; echo $?
            sh -c "sh -c 'kill -KILL \$\$'; echo \$?"
            exec cat /proc/self/comm
            """);
        Shell.Run($"chmod +x {folder}/script");
        foreach (string program in "bash sort tr head ls env echo seq awk stat find basename xargs sleep sh cat".Split(' ')) // made one by one: a command has its time
            Shell.Run($"unset EMU_CACHE; emu run --follow-exec -- bash -c '{program} --version </dev/null'");
        Said native = Shell.Run($"cd {folder}; bash -c ./script"), translated = Shell.Run($"cd {folder}; unset EMU_CACHE; emu run --follow-exec -- bash -c ./script");
        Assert.Equal(native, translated);
        Assert.Equal(native, Shell.Run($"cd {folder}; unset EMU_CACHE; emu build --follow-exec /bin/bash -o runner && EMU_STATS=0 ./runner -c ./script"));
    }
}
