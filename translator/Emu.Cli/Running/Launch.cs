using System.Runtime.InteropServices;
using System.Text;
using Emu.Translator;

namespace Emu.Cli.Running;

/// <summary>How a program ended: as wait(2) says it.</summary>
readonly record struct Ending(int Status)
{
    public bool IsSignal => (Status & 0x7f) is not 0;
    public int Signal => Status & 0x7f;
    public int Code => Status >> 8 & 0xff;
    public override string ToString() => IsSignal ? $"signal {Signal}{Name}" : $"exit {Code}";

    string Name => Signal switch
    {
        1 => " (SIGHUP)", 2 => " (SIGINT)", 3 => " (SIGQUIT)", 4 => " (SIGILL)", 5 => " (SIGTRAP)", 6 => " (SIGABRT)", 7 => " (SIGBUS)", 8 => " (SIGFPE)",
        9 => " (SIGKILL)", 10 => " (SIGUSR1)", 11 => " (SIGSEGV)", 12 => " (SIGUSR2)", 13 => " (SIGPIPE)", 14 => " (SIGALRM)", 15 => " (SIGTERM)", _ => "",
    };
}

/// <summary>
/// Starts programs as if emu had never been there: by way of the launcher (Emu.Launch/state.c), which gives them the descriptors, signals,
/// limits and environment that emu was started with.
/// </summary>
static unsafe class Launch
{
    static string Launcher => Path.Combine(AppContext.BaseDirectory, "launch");

    /// <summary>Stack and mappings of what this process starts or becomes are at the same addresses in each run, and so are those of the programs that it executes.</summary>
    public static void FixAddresses()
    {
        const ulong ask = 0xffffffff, noRandomize = 0x40000;
        if (Libc.personality((ulong)Libc.personality(ask) | noRandomize) < 0) throw new UserException($"--no-aslr: the kernel does not fix addresses: {Libc.Error(Marshal.GetLastSystemError())}");
    }

    /// <summary>Becomes the program; returns (the reason) only if that is impossible.</summary>
    public static string Exec(string path, IReadOnlyList<byte[]> argv)
    {
        WorkFolder.Remove();
        Libc.execv(Libc.Text(Launcher), Libc.Vector(Words("-", path, argv)));
        return Libc.Error(Marshal.GetLastSystemError());
    }

    /// <summary>Runs the program to its end; signals of the terminal reach it by themselves, others are sent on to it.</summary>
    /// <param name="files">Files to open as descriptors 0, 1 and 2; null: those of emu.</param>
    /// <param name="native">It is no runner: it gets no variable of emu's.</param>
    /// <param name="started">Is told the process.</param>
    public static Ending Run(string path, IReadOnlyList<byte[]> argv, (string In, string Out, string Error)? files = null, bool native = false, Action<int>? started = null)
    {
        Console.Out.Flush();
        int pid = Spawn(Words($"-{(native ? "n" : "")}{(files is null ? "" : "f")}", path, argv), files);
        Interruption.Guest = pid;
        started?.Invoke(pid);
        try { return Wait(pid); }
        finally { Interruption.Guest = 0; }
    }

    static IReadOnlyList<byte[]> Words(string how, string path, IReadOnlyList<byte[]> argv) =>
        ["launch"u8.ToArray(), "start"u8.ToArray(), Encoding.UTF8.GetBytes(how), Bytes(path), .. argv];

    static int Spawn(IReadOnlyList<byte[]> words, (string In, string Out, string Error)? files)
    {
        ulong* actions = stackalloc ulong[16];
        Libc.posix_spawn_file_actions_init(actions);
        if (files is { } f)
        {
            const int readOnly = 0, create = 0x241; // O_WRONLY | O_CREAT | O_TRUNC
            Libc.posix_spawn_file_actions_addopen(actions, 0, Libc.Text(f.In), readOnly, 0);
            Libc.posix_spawn_file_actions_addopen(actions, 1, Libc.Text(f.Out), create, 0x180);
            Libc.posix_spawn_file_actions_addopen(actions, 2, Libc.Text(f.Error), create, 0x180);
        }
        int pid, error = Libc.posix_spawn(&pid, Libc.Text(Launcher), actions, null, Libc.Vector(words), Libc.Environ);
        Libc.posix_spawn_file_actions_destroy(actions);
        return error == 0 ? pid : throw new UserException($"{Launcher}: {Libc.Error(error)}");
    }

    static Ending Wait(int pid)
    {
        int status;
        while (Libc.waitpid(pid, &status, 0) < 0)
            if (Marshal.GetLastSystemError() != Libc.Eintr) return new(0);
        return new(status);
    }

    /// <summary>Ends as the guest did: with its exit code, or of the same signal (one core file is enough).</summary>
    public static int EndAs(Ending ending)
    {
        if (!ending.IsSignal) return ending.Code;
        const int setDumpable = 4;
        Console.Out.Flush();
        WorkFolder.Remove();
        ulong* none = stackalloc ulong[2];
        Libc.getrlimit(Libc.RLimitCore, none);
        none[0] = 0;
        Libc.setrlimit(Libc.RLimitCore, none);
        Libc.prctl(setDumpable, 0, 0, 0, 0);
        if (ending.Signal != Libc.SigKill) Libc.signal(ending.Signal, Libc.SigDfl);
        Libc.kill(Libc.getpid(), ending.Signal);
        Thread.Sleep(1000); // another thread may take it: not long
        return 128 + ending.Signal;
    }

    /// <summary>A word of the command line, byte for byte: it need not be UTF-8.</summary>
    public static byte[] Bytes(string word) => FilePath.Bytes(word)[..^1];
}
