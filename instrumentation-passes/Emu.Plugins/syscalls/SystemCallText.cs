using System.Runtime.InteropServices;
using Emu.Instrumentation;
using Event = Emu.Plugins.SystemCallTrace.Event;

namespace Emu.Plugins;

/// <summary>System calls as text: <c>openat(-100, "/etc/passwd", 524288, 0) = 3</c>. Numbers are numbers; what the kernel takes for a path is text.</summary>
static class SystemCallText
{
    const uint Enter = 1, Leave = 2, Text = 3, Signal = 4;

    public static bool IsError(ulong result) => result >= unchecked((ulong)-4095);

    /// <summary>One thread's records as lines, in the order in which calls begin.</summary>
    public static IEnumerable<string> Lines(IEnumerable<Event> records)
    {
        var lines = new List<string>();
        var open = new Stack<(uint Number, int Line)>();
        var all = records.ToList();
        for (int n = 0; n < all.Count; n++)
        {
            var e = all[n];
            if (e.Kind == Enter)
            {
                open.Push((e.Number, lines.Count));
                lines.Add(Begun(e, all.Skip(n + 1).TakeWhile(t => t.Kind == Text)));
            }
            else if (e.Kind == Signal) lines.Add($"--- {SignalName(e.Number)} ---");
            else if (e.Kind == Leave && Close(open, e.Number) is { } line) lines[line] += Result(e.A);
        }
        foreach (var (_, line) in open) lines[line] += "?";
        return lines;
    }

    /// <summary>The line of the call that has returned. Those begun after it never will: their handler was left by a jump.</summary>
    static int? Close(Stack<(uint Number, int Line)> open, uint number)
    {
        if (!open.Any(o => o.Number == number)) return null; // of a child: its parent began it
        var never = new Stack<(uint, int)>();
        while (open.Peek().Number != number) never.Push(open.Pop());
        int line = open.Pop().Line;
        foreach (var n in never) open.Push(n);
        return line;
    }

    static string Begun(Event e, IEnumerable<Event> texts)
    {
        var paths = texts.GroupBy(t => (uint)t.A, t => t).ToDictionary(g => g.Key, Path);
        ulong[] words = [e.A, e.B, e.C, e.D, e.E, e.F];
        return $"{SystemCallNames.Of(e.Number)}({string.Join(", ", words.Take(SystemCallNames.Arguments(e.Number)).Select((w, n) => paths.GetValueOrDefault((uint)n) ?? Number(w)))}) = ";
    }

    static string Path(IEnumerable<Event> pieces)
    {
        var bytes = new List<byte>();
        foreach (var p in pieces) bytes.AddRange(MemoryMarshal.AsBytes<ulong>(new[] { p.B, p.C, p.D, p.E, p.F, p.G })[..(int)(p.A >> 32)]);
        return $"\"{string.Concat(bytes.Select(Character))}\"";
    }

    /// <summary>As C writes it: a path is bytes.</summary>
    static string Character(byte b) => (char)b switch
    {
        '"' or '\\' => $"\\{(char)b}",
        '\t' => "\\t",
        '\n' => "\\n",
        '\v' => "\\v",
        '\f' => "\\f",
        '\r' => "\\r",
        >= ' ' and <= '~' => $"{(char)b}",
        _ => $"\\{Convert.ToString(b, 8).PadLeft(3, '0')}",
    };

    /// <summary>Small numbers are numbers, -100 (AT_FDCWD) and other ints below 0 too; the rest is addresses and flags.</summary>
    public static string Number(ulong w) => w < 0x10000 ? $"{w}" : (long)w is < 0 and > -4096 || w >> 32 == 0 && (int)w is < 0 and > -4096 ? $"{(int)w}" : $"0x{w:x}";

    static string Result(ulong r) => IsError(r) ? $"-1 {ErrorName((int)-(long)r)}" : Number(r);

    static string ErrorName(int n) => n < errors.Length && errors[n] != "-" ? errors[n] : $"errno {n}";

    static string SignalName(uint n) => n < signals.Length ? $"SIG{signals[n]}" : $"SIGRT_{n - 32}";

    /// <summary>By number (include/uapi/asm-generic/errno-base.h, errno.h).</summary>
    static readonly string[] errors = Words("""
        - EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL
        ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM
        ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET
        ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC
        EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT
        EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT
        ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY
        EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON
        """);

    /// <summary>By number (signal(7), x86).</summary>
    static readonly string[] signals = Words("""
        0 HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS
        """);

    static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
