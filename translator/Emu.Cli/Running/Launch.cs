using System.Runtime.InteropServices;

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

/// <summary>Starts programs as if emu had never been there: same descriptors, signals, limits, environment, terminal.</summary>
static unsafe class Launch
{
    /// <summary>Becomes the program; returns (the reason) only if that is impossible.</summary>
    public static string Exec(string path, IReadOnlyList<byte[]> argv)
    {
        StartState.Read().Restore();
        Libc.execv(Libc.Text(path), Libc.Vector(argv));
        return Libc.Error(Marshal.GetLastSystemError());
    }

    /// <summary>Runs the program to its end; signals of the terminal go to it alone.</summary>
    /// <param name="files">Files to open as descriptors 0, 1 and 2; null: those of emu.</param>
    public static Ending Run(string path, IReadOnlyList<byte[]> argv, (string In, string Out, string Error)? files = null)
    {
        var state = StartState.Read();
        state.Restore();
        Libc.signal(Libc.SigInt, Libc.SigIgn);
        Libc.signal(Libc.SigQuit, Libc.SigIgn);
        int pid = Spawn(path, argv, state, files);
        StartState.HearOfChildren(); // the child has it as it was; here nobody would learn how the child ended
        using var term = Forward(PosixSignal.SIGTERM, Libc.SigTerm, pid, state);
        using var hup = Forward(PosixSignal.SIGHUP, Libc.SigHup, pid, state);
        return Wait(pid);
    }

    static int Spawn(string path, IReadOnlyList<byte[]> argv, StartState state, (string In, string Out, string Error)? files)
    {
        const short setSignalsToDefault = 4;
        ulong* attributes = stackalloc ulong[64], actions = stackalloc ulong[16], defaults = stackalloc ulong[16];
        Libc.posix_spawnattr_init(attributes);
        Libc.posix_spawnattr_setflags(attributes, setSignalsToDefault);
        Libc.sigemptyset(defaults);
        foreach (int n in (ReadOnlySpan<int>)[Libc.SigInt, Libc.SigQuit, Libc.SigPipe]) if (!state.Ignores(n)) Libc.sigaddset(defaults, n);
        defaults[0] |= 3ul << 31; // 32 and 33, which glibc would otherwise leave ignored
        Libc.posix_spawnattr_setsigdefault(attributes, defaults);
        Libc.posix_spawn_file_actions_init(actions);
        if (files is { } f)
        {
            const int readOnly = 0, create = 0x241; // O_WRONLY | O_CREAT | O_TRUNC
            Libc.posix_spawn_file_actions_addopen(actions, 0, Libc.Text(f.In), readOnly, 0);
            Libc.posix_spawn_file_actions_addopen(actions, 1, Libc.Text(f.Out), create, 0x180);
            Libc.posix_spawn_file_actions_addopen(actions, 2, Libc.Text(f.Error), create, 0x180);
        }
        int pid, error = Libc.posix_spawn(&pid, Libc.Text(path), actions, attributes, Libc.Vector(argv), Libc.Environ);
        Libc.posix_spawn_file_actions_destroy(actions);
        return error == 0 ? pid : throw new UserException($"{path}: {Libc.Error(error)}");
    }

    /// <summary>Who stops emu means the guest.</summary>
    static PosixSignalRegistration? Forward(PosixSignal signal, int number, int pid, StartState state) =>
        state.Ignores(number) ? null : PosixSignalRegistration.Create(signal, c => { c.Cancel = true; Libc.kill(pid, number); });

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

    /// <summary>The last words of emu's own command line, byte for byte (a word need not be UTF-8).</summary>
    public static IReadOnlyList<byte[]> RawWords(int count)
    {
        byte[] all = File.ReadAllBytes("/proc/self/cmdline");
        var words = new byte[count][];
        int end = all.Length - 1;
        for (int n = count - 1; n >= 0; n--)
        {
            int start = all.AsSpan(0, Math.Max(end, 0)).LastIndexOf((byte)0) + 1;
            words[n] = all[start..Math.Max(end, start)];
            end = start - 1;
        }
        return words;
    }
}
