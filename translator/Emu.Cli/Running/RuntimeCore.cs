namespace Emu.Cli.Running;

/// <summary>The runtime core's object file.</summary>
static class RuntimeCore
{
    /// <summary>$EMU_CORE, beside emu, or what a build of the repository left.</summary>
    public static string Path => Find() ?? throw new UserException("there is no core.o beside emu; ./emu builds it (EMU_CORE names another)");

    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable("EMU_CORE") is { Length: > 0 } own) return own;
        string beside = System.IO.Path.Combine(AppContext.BaseDirectory, "core.o");
        if (File.Exists(beside)) return beside;
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d != null; d = d.Parent)
            if (System.IO.Path.Combine(d.FullName, ".build", "core.o") is var built && File.Exists(built)) return built;
        return null;
    }
}
