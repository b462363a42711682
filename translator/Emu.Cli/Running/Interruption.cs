using System.Globalization;
using System.Runtime.InteropServices;

namespace Emu.Cli.Running;

/// <summary>
/// What SIGINT, SIGQUIT, SIGTERM and SIGHUP do: end emu, with nothing left behind; or, while a guest runs, go to the guest, which gets those of
/// a terminal by itself. A signal that emu was started with ignored stays so.
/// </summary>
static class Interruption
{
    static readonly (PosixSignal Signal, int Number)[] signals =
        [(PosixSignal.SIGINT, Libc.SigInt), (PosixSignal.SIGQUIT, Libc.SigQuit), (PosixSignal.SIGTERM, Libc.SigTerm), (PosixSignal.SIGHUP, Libc.SigHup)];

    static readonly List<PosixSignalRegistration> registered = [];
    const int LateMilliseconds = 500;

    static volatile int guest;
    static long ended = -LateMilliseconds;

    /// <summary>The guest's process; 0: none runs any more.</summary>
    public static int Guest
    {
        set
        {
            if (value == 0) Volatile.Write(ref ended, Environment.TickCount64);
            guest = value;
        }
    }

    /// <summary>A signal of the terminal that ended the guest may be heard of here when that has ended: its report is still printed.</summary>
    static bool WasForGuest(int number) => number is (Libc.SigInt or Libc.SigQuit) && Environment.TickCount64 - Volatile.Read(ref ended) < LateMilliseconds;

    /// <summary>Call it once, at the start.</summary>
    public static void Watch()
    {
        ulong ignored = Ignored();
        foreach (var (signal, number) in signals)
            if ((ignored >> (number - 1) & 1) == 0) registered.Add(PosixSignalRegistration.Create(signal, c => Handle(c, number)));
    }

    /// <summary>The second word of EMU_START (Emu.Launch/state.c): bit n-1 for signal n.</summary>
    static ulong Ignored() =>
        Environment.GetEnvironmentVariable("EMU_START")?.Split(' ') is [_, var set, ..] && ulong.TryParse(set, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits) ? bits : 0;

    static void Handle(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        int pid = guest;
        if (pid != 0 && number is (Libc.SigTerm or Libc.SigHup)) Libc.kill(pid, number);
        if (pid != 0 || WasForGuest(number)) return;
        Progress.Erase();
        Launch.EndAs(new(number));
    }
}
