using Xunit;

namespace Emu.Tests.Cli;

/// <summary>The other verbs, and help.</summary>
public sealed class VerbTests
{
    [Fact]
    public void VerifyComparesEverything()
    {
        Assert.Equal(new(0, "identical: stdout 13 bytes, stderr 0 bytes, exit 0\n", ""), Shell.Run("emu verify guest -- echo a"));
        Assert.Equal("identical: stdout 6 bytes, stderr 0 bytes, exit 0\n", Shell.Run("emu verify guest -- cat", "hello\n").Out);
        Assert.Equal("identical: stdout 0 bytes, stderr 0 bytes, signal 6 (SIGABRT)\n", Shell.Run("emu verify guest -- kill 6").Out);
        var differs = Shell.Run("emu verify guest -- pid");
        Assert.Equal(1, differs.Code);
        Assert.Matches("^stdout differs at byte \\d, line 1 \\(native \\d+ bytes, translated \\d+\\):\n  native:     \\d+\n  translated: \\d+\n$", differs.Out);
    }

    [Fact]
    public void BuildMakesAProgram()
    {
        Assert.Equal(new(0, "./guest.emu\necho\n", ""), Shell.Run("rm -f guest.emu; emu build guest && ./guest.emu echo"));
        var said = Shell.Run("emu build -O0 -j1 -p insns guest -o counted && EMU_DATA=counted.data ./counted echo && emu report counted.data; rm -f counted counted.data");
        Assert.Matches("^\\./counted\necho\n\\[insns\\]\n +[\\d,]+ instructions\n", said.Out);
    }

    [Theory]
    [InlineData("emu show guest", "0x[0-9a-f]+ +\\d+ begin\n")]
    [InlineData("emu show guest -f begin -s cfg", "block 0x[0-9a-f]+\n    0x")]
    [InlineData("emu show guest -f begin", "^function 0x")]
    [InlineData("emu show guest -f begin -s instrumented -p insns", "\\+")]
    [InlineData("emu show guest -f begin -s flags", "^function 0x")]
    [InlineData("emu show guest -f begin -s lowered", "define .*@emu_r_")]
    [InlineData("emu show guest -f begin -s llvm", "define .*@emu_r_")]
    [InlineData("emu show guest -f begin -s asm", "emu_r_[0-9a-f]+:")]
    [InlineData("emu show guest --missing", "1 vpaddd +first at 0x[0-9a-f]+  AVX-512 vpaddd zmm0,zmm1,zmm2\nindirect jumps without known targets: 0")]
    [InlineData("emu plugins", "blocks .*\n(.*\n)*insns .*\n(.*\n)*memtrace .*\n(.*\n)*opcodes ")]
    [InlineData("emu doctor", "AVX-512 ")]
    [InlineData("emu cache --path", "/cache\n")]
    [InlineData("emu cache", "MiB\n")]
    [InlineData("emu --version", "^emu \\d+\\.\\d+")]
    [InlineData("emu", "emu run -- ls")]
    [InlineData("emu --help", "emu run -- ls")]
    [InlineData("emu help run", "--report=FILE")]
    [InlineData("emu run --help", "--report=FILE")]
    [InlineData("emu run -h", "--report=FILE")]
    [InlineData("emu show -f main -h", "cfg, lift")]
    [InlineData("emu build --help", "-O 0..3")]
    [InlineData("emu verify --help", "first difference")]
    [InlineData("emu show --help", "cfg, lift")]
    [InlineData("emu report --help", "--json")]
    [InlineData("emu cache --help", "--clear")]
    public void Prints(string command, string pattern)
    {
        var said = Shell.Run(command);
        Assert.Equal((0, ""), (said.Code, said.Error));
        Assert.Matches(pattern, said.Out);
    }

    [Fact]
    public void AReaderMayGoAway() => Assert.Equal("", Shell.Run("emu show guest -s lift | head -1 >/dev/null").Error);

    [Fact]
    public void ClearRemovesWhatEmuMade()
    {
        var said = Shell.Run("export EMU_CACHE=$PWD/cache3; mkdir -p cache3; echo mine >cache3/file; emu run -- ./guest exit 0 && emu cache --clear && emu cache --size && ls cache3");
        Assert.Equal("0\nfile\n", said.Out);
    }
}
