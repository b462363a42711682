using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>memory.c: brk, the mmap family, shared memory, stacks and their ends, under several `ulimit -s`.</summary>
[Collection("libc")]
public class MemoryTests
{
    static string Guest(string compiler, params string[] options)
    {
        string guest = Path.Combine(Repository.Work("memory"), compiler + string.Concat(options));
        Repository.Run(compiler, ["-O1", "-w", "-fno-optimize-sibling-calls", .. options, "-o", guest, Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/memory.c")]);
        return guest;
    }

    [Theory]
    [InlineData("gcc")]
    [InlineData("musl-gcc", "-static")]
    public void AsNatively(string compiler, params string[] options)
    {
        string guest = Guest(compiler, options), runner = Runners.Build(guest, Runners.NoPlugins);
        foreach (string limit in (string[])["8192", "unlimited", "1024", "100000"])
        {
            Said native = Shell.Run($"ulimit -Ss {limit}; {guest}"), translated = Shell.Run($"ulimit -Ss {limit}; {runner}");
            Assert.Equal(native, translated with { Error = string.Concat(translated.Error.Split('\n').Where(l => !l.StartsWith("emu: guest killed", StringComparison.Ordinal))) });
            Assert.Equal(0, native.Code);
        }
    }

    [Fact]
    public void TheRunnerStaysWhereItIs()
    {
        const string said = "over -12\nnot over -17\nunmap 0\nprotect 12\nmove 14\nmove over 12\nadvise 12\nattach 12\n";
        string runner = Runners.Build(Guest("musl-gcc", "-static"), Runners.NoPlugins);
        Assert.Equal(new(0, said, "emu: the guest wants memory at 0x60000000, where the runner is: refused\n"), Shell.Run($"{runner} runner"));
    }
}
