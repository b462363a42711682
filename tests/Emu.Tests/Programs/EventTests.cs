using Xunit;

namespace Emu.Tests.Programs;

/// <summary>What passes are told of threads and files with code, from programs in which they come and go.</summary>
public sealed class EventTests
{
    /// <summary>
    /// Parent and child of a fork have each a first thread, five that never end and one that ends the process for all; the parent has had three before. The
    /// child's first thread was the parent's before: no pass is told of its beginning.
    /// </summary>
    [Theory]
    [InlineData("all")]
    [InlineData("none")]
    public void Every_thread_and_file_comes_and_goes_once(string aot)
    {
        var guest = Path.Combine(Repository.Work("events"), "ends");
        Repository.Run("gcc", "-O2", "-o", guest, Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/ends.c"));
        var runner = Runners.Build(guest, [Path.Combine(Repository.Root, "tests/oracle/lives")], aot: aot);
        var data = guest + ".emudata";
        Repository.Run("/bin/bash", "-c", $"EMU_DATA={data} {runner}; [ $? = 3 ]");
        var moments = Repository.Run(Path.Combine(Repository.Root, "emu"), "report", data).Split('\n').Select(l => l.Split(' ')).Where(w => w.Length == 2).ToLookup(w => w[0], w => ulong.Parse(w[1]));
        Assert.Equal(16, moments["ThreadStart"].Distinct().Count());
        Assert.Equal(16, moments["ThreadStart"].Count());
        Assert.Equal(17, moments["ThreadExit"].Distinct().Count());
        Assert.Equal(17, moments["ThreadExit"].Count());
        Assert.Single(moments["ThreadExit"].Except(moments["ThreadStart"]));
        Assert.Single(moments["ModuleUnload"]); // libm
        Assert.Subset(moments["ModuleLoad"].ToHashSet(), moments["ModuleUnload"].ToHashSet());
        Assert.Equal(4, moments["ModuleLoad"].Count()); // the program, ld.so, libc, libm
    }
}
