using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>/proc/self and the auxiliary vector (proc.c): a translated program sees itself, its libraries and its memory as natively.</summary>
[Collection("libc")]
public class ProcTests
{
    static readonly string Folder = Repository.Work("proc");

    [Theory]
    [InlineData("gcc")]
    [InlineData("gcc", "-static")]
    [InlineData("musl-gcc", "-static")]
    public void AsNatively(string compiler, params string[] options)
    {
        string source = Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/proc.c"), name = compiler + string.Concat(options);
        Repository.Run(compiler, ["-O1", "-w", .. options, "-o", Path.Combine(Folder, name), source]);
        File.Delete(Path.Combine(Folder, "link"));
        File.CreateSymbolicLink(Path.Combine(Folder, "link"), name);
        // By path, through a link, and found in PATH: AT_EXECFN is what a shell would execute.
        foreach (string run in (string[])[$"{{0}} ./{name} a", "{0} ./link", $"PATH=/nowhere:{Folder}:$PATH; {{0}} {name}"])
        {
            Said native = Shell.Run($"cd {Folder}; {string.Format(run, "")}"), translated = Shell.Run($"cd {Folder}; unset EMU_CACHE; {string.Format(run, "emu run --")}");
            Assert.Equal(native, translated);
            Assert.Equal(translated, Shell.Run($"cd {Folder}; unset EMU_CACHE; {string.Format(run, "emu run --")}")); // by the launcher
            Assert.Contains("AT_EXECFN", native.Out);
        }
    }
}
