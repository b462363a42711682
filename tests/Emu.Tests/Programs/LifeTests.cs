using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>life.c: names, limits, personality, threads that die with locks, and every way to end, with and without a core dump.</summary>
[Collection("libc")]
public class LifeTests
{
    [Theory]
    [InlineData("gcc")]
    [InlineData("musl-gcc", "-static")]
    public void AsNatively(string compiler, params string[] options)
    {
        string folder = Repository.Work("life"), name = compiler + string.Concat(options);
        Repository.Run(compiler, ["-O1", "-w", .. options, "-o", Path.Combine(folder, name), Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/life.c")]);
        Said native = Shell.Run($"cd {folder}; ./{name}; rm -f core*"), translated = Shell.Run($"cd {folder}; unset EMU_CACHE; emu run -- ./{name}; rm -f core*");
        Assert.Equal(native, translated with { Error = string.Concat(translated.Error.Split('\n').Where(l => !l.StartsWith("emu: guest killed", StringComparison.Ordinal))) });
        Assert.Contains("waitid", native.Out);
    }
}
