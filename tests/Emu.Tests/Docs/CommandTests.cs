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
        var manual = new Manual(document);
        var printed = new Dictionary<string, string>();
        var failures = new List<string>();
        foreach (var command in manual.Commands)
            if (Failure(command, printed) is { } failure) failures.Add(failure);
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        if (Environment.GetEnvironmentVariable("EMU_BLESS") == "1") manual.Bless(c => printed[c.Text]);
        foreach (var command in new Manual(document).Commands.Where(c => c.Output != null))
            Assert.Equal($"$ {command.Text}\n{command.Output}", $"$ {command.Text}\n{printed[command.Text]}");
    }

    [Fact]
    public void TheReadmeHasItsTwoCommands()
    {
        var commands = new Manual("README.md").Commands.Select(c => c.Text).ToArray();
        Assert.Contains(commands, c => c.StartsWith("./emu run --aot none -p insns,top=5 -- perl", StringComparison.Ordinal));
        Assert.Contains("./test", commands);
    }

    /// <summary>Those that run tests are looked at only: this is a test.</summary>
    static string? Failure(Command command, Dictionary<string, string> printed)
    {
        string[] words = command.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words[0] == "./test") return words.Length == 1 || IsTest(words[1]) ? null : $"{command.Text}: there is no such test";
        if (words[0] is "git" or "cd" or "apt-get") return null;
        var (status, output, errors) = Manual.Run(command.Text);
        printed[command.Text] = output;
        bool isEmptyListing = command.Output != null && output == "";
        return status == 0 && !isEmptyListing ? null : $"{command.Text}: status {status}, {output.Length} bytes\n{errors}";
    }

    static bool IsTest(string word) =>
        File.Exists(Path.Combine(Repository.Root, "tests", word)) || typeof(CommandTests).Assembly.GetTypes().Any(t => t.FullName!.Contains(word, StringComparison.Ordinal));
}
