using System.Globalization;
using System.Runtime.InteropServices;

namespace Emu.Cli.Running;

/// <summary>
/// The process attributes that survive exec and that a shell and .NET change before the first line here runs: which signals are
/// ignored, the soft limit of open files, variables. The launcher notes them in EMU_START; a guest gets them as emu did.
/// </summary>
/// <param name="Ignored">Ignored signals, bit n-1 for signal n (as SigIgn in /proc/PID/status).</param>
/// <param name="OpenFiles">RLIMIT_NOFILE's soft limit; null: leave it.</param>
/// <param name="Unset">Variables that were not there.</param>
sealed record StartState(ulong Ignored, ulong? OpenFiles, IReadOnlyList<string> Unset)
{
    const string Variable = "EMU_START", LastCommand = "EMU_START_";

    /// <summary>What the launcher would have liked to know (Emu.Launch/launch.c).</summary>
    public const string Asked = "EMU_ASKED";

    static bool ignoredChildren;

    /// <summary>Tools can be waited for only when SIGCHLD is not ignored. Call it before the first one.</summary>
    public static void HearOfChildren() => ignoredChildren |= Libc.signal(Libc.SigChld, Libc.SigDfl) == Libc.SigIgn;

    /// <summary>EMU_START is "SigIgn NoFile [name...]", EMU_START_ the value that variable "_" had.</summary>
    public static StartState Read()
    {
        ulong quit = IgnoresQuit() ? 1ul << (Libc.SigQuit - 1) : 0, children = ignoredChildren ? 1ul << (Libc.SigChld - 1) : 0;
        var words = (Environment.GetEnvironmentVariable(Variable) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2 || !ulong.TryParse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong ignored)) return new(quit | children, null, []);
        return new(ignored & ~(1ul << (Libc.SigQuit - 1)) | quit | children, ulong.TryParse(words[1], CultureInfo.InvariantCulture, out ulong files) ? files : null, words[2..]);
    }

    /// <summary>bash always ignores SIGQUIT, and puts it back for exec; .NET leaves it alone when it is ignored.</summary>
    static bool IgnoresQuit() => Libc.signal(Libc.SigQuit, Libc.SigDfl) == Libc.SigIgn;

    public bool Ignores(int signal) => (Ignored >> (signal - 1) & 1) != 0;

    /// <summary>Puts everything back that a child or an exec inherits. .NET ignores SIGPIPE and handles others: handlers end with exec.</summary>
    public unsafe void Restore()
    {
        for (int n = 1; n <= 31; n++) if (Ignores(n)) Libc.signal(n, Libc.SigIgn);
        if (!Ignores(Libc.SigPipe)) Libc.signal(Libc.SigPipe, Libc.SigDfl);
        RestoreOpenFiles();
        foreach (string name in Unset) Libc.unsetenv(Libc.Text(name));
        if (Libc.getenv(Libc.Text(LastCommand)) is var last && last != null) Libc.setenv(Libc.Text("_"), last, 1);
        Libc.unsetenv(Libc.Text(Variable));
        Libc.unsetenv(Libc.Text(LastCommand));
        Libc.unsetenv(Libc.Text(Asked));
    }

    unsafe void RestoreOpenFiles()
    {
        if (OpenFiles is not { } soft) return;
        ulong* limit = stackalloc ulong[2];
        if (Libc.getrlimit(Libc.RLimitNoFile, limit) != 0 || limit[0] == soft) return;
        limit[0] = Math.Min(soft, limit[1]);
        Libc.setrlimit(Libc.RLimitNoFile, limit);
    }

    /// <summary>Takes emu's own variables out of the environment: what a native run must not see.</summary>
    public static unsafe void HideVariables()
    {
        var names = new List<string>();
        for (byte** at = Libc.Environ; at != null && *at != null; at++)
            if (Marshal.PtrToStringUTF8((nint)(*at)) is { } text && text.StartsWith("EMU_", StringComparison.Ordinal)) names.Add(text.Split('=')[0]);
        foreach (string name in names) Libc.unsetenv(Libc.Text(name));
    }
}
