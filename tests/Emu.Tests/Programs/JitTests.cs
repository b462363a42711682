using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Programs that make code themselves, or are too large to be translated in a test, native against translated, with nothing translated ahead of time.</summary>
[Trait("Category", "Long")]
public class JitTests
{
    static string Source(string name) => Path.Combine(Repository.Root, "tests/guests/languages", name);

    static void Same(params string[] command)
    {
        var native = Repository.RunAny(command[0], command[1..]);
        Assert.Equal(native, Repository.RunAny(Path.Combine(Repository.Root, "emu"), ["run", "--aot", "none", "--no-profile", "--", .. command]));
    }

    [Fact]
    public void Luajit() => Same("/usr/bin/luajit", "-e", "local t, s = {}, 0 for n = 1, 1e7 do s = s + n % 7 t[n % 100] = s end print(s, t[5], pcall(error, 'x'))");

    [Fact]
    public void Node() => Same("/usr/bin/node", Source("objects.js"));

    [Theory]
    [InlineData("-Xint")]
    [InlineData("-XX:TieredStopAtLevel=1")]
    [InlineData("-Xmixed")]
    public void Java(string mode)
    {
        var folder = Repository.Work("java");
        Repository.Run("javac", "-d", folder, Source("Faults.java"));
        Same("/usr/bin/java", "-XX:+UseSerialGC", mode, "-cp", folder, "Faults");
    }

    /// <summary>Makes no code, but is large: GHC's runtime, with stacks of its own.</summary>
    [Fact]
    public void Haskell() => Same("/usr/bin/shellcheck", Path.Combine(Repository.Root, "tests/programs/script.bash"));

    /// <summary>Emu's own translator half.</summary>
    [Fact]
    public void Dotnet() => Same(Environment.ProcessPath!, Path.Combine(Repository.Root, ".build/emu/emu.dll"), "--help");
}
