using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Cli;

/// <summary>The guest gets the environment, descriptors and limits that the user gave; emu's own processes do not suffer from them.</summary>
public sealed class SurroundingsTests
{
    const string Plugin = "-p insns -r /dev/null";

    [Theory]
    [InlineData("env -i A=1 dotted.name=2 'empty=' A=3")]
    [InlineData("env 'BASH_FUNC_f%%=() { echo; }' LANG=de_DE.UTF-8 TERM=vt100 DOTNET_gcServer=1 PWD=/nowhere SHLVL=7")]
    [InlineData("env \"bytes=$(printf '\\377')\" BASH_ENV=/nonexistent POSIXLY_CORRECT=1")]
    public void TheEnvironmentIsTheUsers(string with)
    {
        string native = Shell.Run($"unset EMU_CACHE; {with} ./guest state | od -c").Out;
        foreach (string options in (string[])["", "", Plugin])
            Assert.Equal(native, Shell.Run($"unset EMU_CACHE; {with} {Repository.Root}/emu run {options} -- ./guest state | od -c").Out);
    }

    /// <summary>It is loaded into the shell that ./emu is a script of, which no script can prevent, and into the guest.</summary>
    [Fact]
    public void PreloadedLibrariesAreForTheGuest()
    {
        Shell.Run("printf '#include <stdio.h>\\n__attribute__((constructor)) static void count(void) { FILE *f = fopen(\"loaded\", \"a\"); fputs(\"1\", f); fclose(f); }' >count.c; gcc -shared -fPIC -o count.so count.c");
        foreach (string options in (string[])["", Plugin])
            Assert.Equal("11", Shell.Run($"rm -f loaded; LD_PRELOAD=$PWD/count.so emu run --aot none {options} -- /bin/true; cat loaded").Out);
    }

    [Fact]
    public void LibraryPathsAreForTheGuest() =>
        Assert.Equal(new(0, "./guest\necho\n", ""), Shell.Run("rm -rf libraries; mkdir libraries; for f in libstdc++.so.6 libLLVM.so.19.1 libz.so.1; do echo bad >libraries/$f; done; LD_LIBRARY_PATH=$PWD/libraries emu run -O1 -- ./guest echo"));

    [Theory]
    [InlineData("ulimit -Sv 2000000", Plugin)]
    [InlineData("ulimit -Sf 100", "-O0")] // what plugins collect is a file, too
    [InlineData("ulimit -Ss 256", Plugin)]
    [InlineData("ulimit -s unlimited", Plugin)]
    [InlineData("ulimit -Sn 20", Plugin)]
    [InlineData("ulimit -v 8000000", Plugin)]
    public void LimitsAreForTheGuest(string limit, string options)
    {
        string native = Shell.Run($"{limit}; exec env -i ./guest state").Out;
        foreach (string with in (string[])["", "", options])
            Assert.Equal(new(0, native, ""), Shell.Run($"{limit}; exec env -i EMU_CACHE=$EMU_CACHE {Repository.Root}/emu run {with} -- ./guest state"));
    }

    /// <summary>Where emu may not raise a limit, a line says so.</summary>
    [Theory]
    [InlineData("ulimit -v 2000000", "emu: ulimit -v is too low to translate")]
    [InlineData("ulimit -f 100", "emu: ulimit -f is too low to translate")]
    public void LimitsThatCannotBeRaised(string limit, string says)
    {
        var said = Shell.Run($"mkdir -p nobody; chown nobody nobody; {limit}; exec setpriv --reuid=nobody --regid=nogroup --clear-groups --bounding-set=-all env EMU_CACHE=$PWD/nobody emu run -O0 -- ./guest echo");
        Assert.Equal(1, said.Code);
        Assert.StartsWith(says, said.Error);
        Assert.Equal(said.Error.Length - 1, said.Error.IndexOf('\n'));
    }

    [Theory]
    [InlineData("2>&-")]
    [InlineData("<&- 2>&-")]
    [InlineData("5</dev/null 200</dev/null")]
    public void DescriptorsAreTheUsers(string redirection)
    {
        // From 900 on there are the runner's own.
        string Descriptors(string command) => Shell.Run($"{command} -c 'ls /proc/self/fd | grep -v ^9.. | sort -n | tr \"\\n\" \" \"' {redirection}").Out;
        string native = Descriptors("busybox sh");
        Assert.Equal(native, Descriptors("emu run --aot none -- busybox sh"));
    }

    [Fact]
    public void ToolsAreFoundWithoutAPath() =>
        Assert.Equal(new(0, "./guest\necho\n", ""), Shell.Run($"env -i EMU_CACHE=$EMU_CACHE {Repository.Root}/emu run -O0 -- ./guest echo"));

    [Fact]
    public void PathsAreBytes()
    {
        const string name = "$'odd-\\377\\xc3'";
        Assert.Equal(Shell.Run($"cp guest {name}; ./{name} echo | od -c").Out, Shell.Run($"emu run -- ./{name} echo | od -c").Out);
        Assert.Contains("identical", Shell.Run($"emu verify ./{name} -- echo").Out);
        Assert.Equal("echo\n", Shell.Run($"emu build ./{name} -o odd.emu && ./odd.emu echo | tail -1").Out);
    }

    /// <summary>A script is its interpreter, as for the kernel; also when emu has an answer for it.</summary>
    [Fact]
    public void Scripts()
    {
        Shell.Run("printf '#!./guest  echo  two words \\n' >script; printf '#! ./script\\n' >outer; chmod +x script outer; sleep 2");
        foreach (string script in (string[])["script", "outer"])
        {
            string native = Shell.Run($"./{script} a b").Out;
            Assert.Contains($"./{script}\na\nb\n", native);
            for (int n = 0; n < 2; n++) Assert.Equal(native, Shell.Run($"emu run -- ./{script} a b").Out);
            Assert.Equal(native, Shell.Run($"emu run {Plugin} -- ./{script} a b").Out);
            Assert.Contains("identical", Shell.Run($"emu verify ./{script} -- a").Out);
        }
        Assert.Equal(new(1, "", "emu: script: a script; what can be translated is its interpreter, ./guest\n"), Shell.Run("emu build script"));
        Assert.Equal(new(126, "", "emu: ./lost: bad interpreter: /nonexistent: no such file\n"), Shell.Run("printf '#!/nonexistent\\n' >lost; chmod +x lost; emu run -- ./lost"));
    }

    [Fact]
    public void WhatMayNotBeExecuted() => Assert.Equal(new(126, "", "emu: ./plain: may not be executed (chmod +x)\n"), Shell.Run("cp guest plain; chmod -x plain; emu run -- ./plain"));
}
