using System.Text;
using Emu.Translator.Elf;
using Xunit;

namespace Emu.Tests.Cli;

/// <summary>Whatever is given to emu: one clear line, and 1, or 2 when the command line itself is wrong.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData("empty", "", "empty file")]
    [InlineData("text", "echo hello\n", "not an ELF file")]
    [InlineData("elf32", "\x7f" + "ELF\x01\x01\x01", "32-bit")]
    [InlineData("magic", "\x7f" + "ELF", "truncated")]
    public void FilesThatAreNoPrograms(string name, string contents, string says)
    {
        File.WriteAllBytes(Path.Combine(Shell.Folder, name), [.. Encoding.Latin1.GetBytes(contents), .. new byte[name == "elf32" ? 200 : 0]]);
        foreach (string command in (string[])[$"emu build {name}", $"chmod +x {name}; emu run -- ./{name}", $"emu verify {name}", $"emu show {name}"])
            OneLine(Shell.Run(command), command.Contains("run") ? 126 : 1, $"{name}: ", says);
    }

    [Fact]
    public void AnotherMachine()
    {
        byte[] guest = File.ReadAllBytes(Path.Combine(Shell.Folder, "guest"));
        guest[18] = 183;
        File.WriteAllBytes(Path.Combine(Shell.Folder, "aarch64"), guest);
        OneLine(Shell.Run("emu build aarch64"), 1, "aarch64: ", "AArch64");
    }

    [Fact]
    public void TruncatedPrograms()
    {
        byte[] guest = File.ReadAllBytes(Path.Combine(Shell.Folder, "guest"));
        var image = Image.Parse(guest);
        var start = image.SegmentAt(image.Entry)!;
        int entry = (int)(start.FileOffset + image.Entry - start.Address);
        for (int n = 1; n <= 20; n++)
        {
            File.WriteAllBytes(Path.Combine(Shell.Folder, "truncated"), guest[..(entry * n / 20)]);
            OneLine(Shell.Run("emu build truncated -o truncated.emu"), 1, "truncated: ");
        }
    }

    [Theory]
    [InlineData("emu bogus", "no verb 'bogus'")]
    [InlineData("emu --bogus", "--bogus")]
    [InlineData("emu run --bogus -- ./guest", "no option --bogus")]
    [InlineData("emu run -p bogus -- ./guest", "no plugin 'bogus'")]
    [InlineData("emu run -p insns,bogus=1 -- ./guest", "no option 'bogus'")]
    [InlineData("emu run -p ./bogus.dll -- ./guest", "no such file")]
    [InlineData("emu run -p", "-p needs a value")]
    [InlineData("emu run", "after --")]
    [InlineData("emu run ./guest", "after --")]
    [InlineData("emu run --json -- ./guest", "only with a plugin")]
    [InlineData("emu run -p insns --only 0x12 -- ./guest", "--only 0x12: an address range is written 0xFROM-0xTO")]
    [InlineData("emu build -p insns guest --exclude 0x20-0x10", "--exclude 0x20-0x10: an address range is written 0xFROM-0xTO")]
    [InlineData("emu build -p insns guest --only=", "--only: needs a file, a symbol or a range")]
    [InlineData("emu build -p insns guest --only", "--only needs a value")]
    [InlineData("emu run --only say -- ./guest", "--only say: it says what plugins see, and there is none")]
    [InlineData("emu build", "GUEST is missing")]
    [InlineData("emu build guest -O 4", "levels are")]
    [InlineData("emu build guest -O x", "-O needs a number")]
    [InlineData("emu build guest -O", "-O needs a value")]
    [InlineData("emu build guest -j 0", "-j 0")]
    [InlineData("emu build guest other", "unexpected 'other'")]
    [InlineData("emu build guest -- x", "nothing comes after --")]
    [InlineData("emu show guest -s bogus", "no stage 'bogus'")]
    [InlineData("emu report", "FILE is missing")]
    [InlineData("emu cache --path --size", "one of them")]
    public void WrongCommandLines(string command, string says) => OneLine(Shell.Run(command), 2, says);

    [Theory]
    [InlineData("emu build guest -o /nosuchfolder/x", "cannot write /nosuchfolder/x")]
    [InlineData("emu build guest -o /tmp", "is a directory")]
    [InlineData("emu build guest -o /dev/full", "not a regular file")]
    [InlineData("emu build guest -o /proc/x", "cannot write /proc/x")]
    [InlineData("emu run -p insns -r /nosuchfolder/x -- ./guest", "cannot write /nosuchfolder/x")]
    [InlineData("emu show guest -f bogus", "no symbol 'bogus'")]
    [InlineData("emu run -p insns --only bogus -- ./guest", "--only bogus: ./guest and its libraries have no function of that name; the files are: guest")]
    [InlineData("emu run -p memtrace,only=bogus -- ./guest", "-p memtrace,only=bogus: ./guest and its libraries have no function of that name; the files are: guest")]
    [InlineData("emu run -p 'insns,only=say|0x1-0x2|bogus*' -- ./guest", "-p insns,only=bogus*: ./guest and its libraries have no function of that name")]
    [InlineData("emu build -p insns,exclude=bogus guest", "-p insns,exclude=bogus: guest and its libraries have no function of that name")]
    [InlineData("emu build -p insns --exclude libbogus.so guest", "--exclude libbogus.so: guest and its libraries have no function of that name")]
    [InlineData("emu report guest", "not a data file")]
    [InlineData("emu report nosuchfile", "no such file")]
    public void ThingsThatAreNotThere(string command, string says) => OneLine(Shell.Run(command), 1, says);

    /// <summary>As shells and env(1) have it.</summary>
    [Theory]
    [InlineData("emu run -- nosuchprogram", "not found", 127)]
    [InlineData("emu run -- ./nosuchfile", "no such file", 127)]
    [InlineData("emu run -- /tmp", "is a directory", 126)]
    public void CommandsThatCannotRun(string command, string says, int code) => OneLine(Shell.Run(command), code, says);

    static void OneLine(Said said, int code, params string[] parts)
    {
        Assert.Equal("", said.Out);
        Assert.StartsWith("emu: ", said.Error);
        Assert.Equal(said.Error.Length - 1, said.Error.IndexOf('\n'));
        foreach (string part in parts) Assert.Contains(part, said.Error);
        Assert.Equal(code, said.Code);
    }
}
