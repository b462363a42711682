using Emu.Tests.Cli;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>sandbox.c: guests that give up rights (seccomp, chroot, setuid, limits), or are told of their descendants' orphans, do then as they do natively.</summary>
public sealed class SandboxTests
{
    static readonly Lazy<string> folder = new(Prepare);

    /// <summary>`{0}` is the guest, with its first word; what is before it starts it.</summary>
    [Theory]
    [InlineData("{0} reaper")]
    [InlineData("unshare -Urpf --mount-proc {0} init")]
    [InlineData("{0} strict")]
    [InlineData("{0} strict-handler")]
    [InlineData("{0} strict-fault")]
    [InlineData("{0} strict-denied")]
    [InlineData("{0} little")]
    [InlineData("{0} heap")]
    [InlineData("{0} break")]
    [InlineData("{0} denied")]
    [InlineData("{0} trap")]
    [InlineData("{0} forks")]
    [InlineData("{0} handlers")]
    [InlineData("{0} spawns")]
    [InlineData("{0} lends")]
    [InlineData("{0} workers")]
    [InlineData("{0} chroot root")]
    [InlineData("{0} processes")]
    [InlineData("{0} files")]
    [InlineData("{0} size")]
    [InlineData("{0} space")]
    [InlineData("{0} lock")]
    [InlineData("{0} counter")]
    public void AsNatively(string command)
    {
        var native = Run(command, "./sandbox");
        foreach (string runner in (string[])["./none", "./all", "./insns-met", "./memtrace"])
            if (!command.EndsWith("forks", StringComparison.Ordinal) || runner is "./none" or "./all") // a child's counters must be mapped
                Assert.Equal(native, Run(command, runner));
    }

    /// <summary>All that was counted and traced is there. (Names are of one length: the guest looks through its own.)</summary>
    [Theory]
    [InlineData("strict", 5)]
    [InlineData("little", 7)]
    public void Counts(string what, int code)
    {
        string Report(string runner)
        {
            var said = Shell.Run($"cd {folder.Value}; EMU_DATA=data.{what} {runner} {what} >/dev/null; echo $?; emu report data.{what}");
            Assert.StartsWith($"{code}\n", said.Out);
            return said.Out;
        }
        Assert.Equal(Report("./insns-aot"), Report("./insns-met"));
        Assert.Contains(" 8 W\n", Report("./memtrace"));
    }

    /// <summary>A translator that dies ends the guest, whichever of its processes needs it: none waits for ever, none is started again and again.</summary>
    [Theory]
    [InlineData("spawns")]
    [InlineData("workers")]
    [InlineData("reaper")]
    public void Ends(string what)
    {
        string service = $"{folder.Value}/dies";
        File.WriteAllText(service, "#!/bin/bash\nhead -c 1 <&3 >/dev/null; kill -9 $$\n");
        Repository.Run("chmod", "+x", service);
        var said = Shell.Run($"cd {folder.Value}; EMU_FALLBACK={service} timeout 30 ./all {what}");
        Assert.Equal((70, ""), (said.Code, said.Out));
        Assert.All(said.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("emu: the fallback translator has ", line));
    }

    static Said Run(string command, string runner)
    {
        var said = Shell.Run($"cd {folder.Value}; ulimit -c 0; export EMU_DATA=/dev/null; {string.Format(command, runner)}");
        return said with { Error = string.Concat(said.Error.Split('\n').Where(l => !l.StartsWith("emu: guest killed", StringComparison.Ordinal) && !l.Contains(": line "))) };
    }

    static string Prepare()
    {
        string made = Repository.Work("sandbox");
        Repository.Run("musl-gcc", "-O1", "-w", "-static", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu", "-o", $"{made}/sandbox", Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/sandbox.c"));
        foreach (var (name, options) in new[] { ("none", "--aot none"), ("all", ""), ("insns-met", "--aot none -p insns"), ("insns-aot", "-p insns"), ("memtrace", "--aot none -p memtrace") })
        {
            var said = Shell.Run($"cd {made} && emu build --no-profile {options} sandbox -o {name}");
            if (said.Code != 0) throw new InvalidOperationException(said.Error);
        }
        return made;
    }
}
