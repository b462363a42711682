using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Servers under ten seconds of load (tests/programs/servers), native against translated: what their clients get, and how they end.</summary>
[Trait("Category", "Long")]
public class ServerTests
{
    static string Translated(string program, params string[] options)
    {
        string runner = Path.Combine(Repository.Work("servers"), Path.GetFileName(program) + ".emu");
        Repository.Run(Path.Combine(Repository.Root, "emu"), ["build", program, "-o", runner, "--no-profile", .. options]);
        return runner;
    }

    static (int, string, string) Run(string script, string server, string client)
    {
        var folder = Directory.CreateTempSubdirectory("emu-server-");
        try { return Repository.RunAny("/bin/bash", "-c", $"cd '{folder.FullName}' && server='{server}' client='{client}' exec bash '{Repository.Root}/tests/programs/servers/{script}.bash'"); }
        finally { folder.Delete(recursive: true); }
    }

    [Fact]
    public void Redis() => Assert.Equal(Run("redis", "/usr/bin/redis-server", ""), Run("redis", Translated("/usr/bin/redis-server"), ""));

    [Fact]
    public void Nginx() => Assert.Equal(Run("nginx", "/usr/sbin/nginx", "curl"), Run("nginx", Translated("/usr/sbin/nginx"), "curl"));

    /// <summary>Nothing is translated ahead of time, and plugins see all of it.</summary>
    [Theory]
    [InlineData("nginx", "/usr/sbin/nginx")]
    [InlineData("memcached", "/usr/bin/memcached")]
    public void Instrumented_on_the_fallback(string script, string server) =>
        Assert.Equal(Run(script, server, "curl"), Run(script, Translated(server, ["--aot", "none", .. Runners.AllPlugins.Select(p => $"-p{p}")]), "curl"));

    /// <summary>Debian's curl asks a server of this machine.</summary>
    [Fact]
    public void Curl() => Assert.Equal(Run("nginx", "/usr/sbin/nginx", "curl"), Run("nginx", "/usr/sbin/nginx", Translated("/usr/bin/curl")));
}
