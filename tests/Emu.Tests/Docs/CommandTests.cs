using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Docs;

/// <summary>Every command of the documents works, and prints what they say. EMU_BLESS=1 rewrites the listings.</summary>
public sealed class CommandTests
{
    public static TheoryData<string> Documents => new(Manual.Names);

    [Theory]
    [MemberData(nameof(Documents))]
    public void Work(string document)
    {
        var failures = new List<string>();
        foreach (var command in new Manual(document).Commands.Where(c => c.Output == null))
            if (Failure(command.Text) is { } failure) failures.Add(failure);
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void ListingsAreWhatIsPrinted(string document)
    {
        var manual = new Manual(document);
        if (Environment.GetEnvironmentVariable("EMU_BLESS") == "1") manual.Bless(c => Manual.Run(c.Text).Output);
        foreach (var command in manual.Commands.Where(c => c.Output != null))
            Assert.Equal($"$ {command.Text}\n{command.Output}", $"$ {command.Text}\n{Manual.Run(command.Text).Output}");
    }

    [Fact]
    public void TheReadmeHasItsTwoCommands()
    {
        var commands = new Manual("README.md").Commands.Select(c => c.Text).ToArray();
        Assert.Contains("./emu run -p blocks -- /bin/busybox sha256sum README.md", commands);
        Assert.Contains("./test", commands);
    }

    /// <summary>Those that run tests are looked at only: this is a test.</summary>
    static string? Failure(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words[0] == "./test") return words.Length == 1 || IsTest(words[1]) ? null : $"{command}: there is no such test";
        if (words[0] is "git" or "cd" or "apt-get") return null;
        var (status, _, errors) = Manual.Run(command);
        return status == 0 ? null : $"{command}: status {status}\n{errors}";
    }

    static bool IsTest(string word) =>
        File.Exists(Path.Combine(Repository.Root, "tests", word)) || typeof(CommandTests).Assembly.GetTypes().Any(t => t.FullName!.Contains(word, StringComparison.Ordinal));
}
