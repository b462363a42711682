using System.Runtime.InteropServices;

namespace Emu.Cli.Running;

/// <summary>Whether only this user, and root, can change what a path names (SECURITY.md; in C: Emu.Launch/trust.c).</summary>
static class Trust
{
    const uint GroupWrites = 0x10, OthersWrite = 0x2, Sticky = 0x200;

    /// <summary>
    /// The reason not to trust a file or folder; null: it and every folder above it belong to this user or root, and nobody else may write
    /// there. In a sticky folder, such as /tmp, others may make files but not rename ours.
    /// </summary>
    /// <param name="path">Absolute, without links.</param>
    public static string? Doubt(string path)
    {
        uint root = Stat.Of("/")?.User ?? 0; // in a user namespace, number 0 may be somebody else
        for (string? at = path; at != null; at = Path.GetDirectoryName(at))
            if (Stat.Of(at) is not { } s) return $"{at} is not there";
            else if (s.User != root && s.User != geteuid()) return $"{at} belongs to another user";
            else if (OthersMayWrite(s) && !(at != path && (s.Mode & Sticky) != 0)) return $"others may write to {at}";
        return null;
    }

    /// <summary>A group of one's own, with the user's number, is the user (Debian's user-private groups).</summary>
    static bool OthersMayWrite(Stat s) =>
        (s.Mode & OthersWrite) != 0 || (s.Mode & GroupWrites) != 0 && !(s.Group == geteuid() && s.Group == getegid());

    /// <summary>This process's user.</summary>
    public static uint User => geteuid();

    [DllImport("libc.so.6")] static extern uint geteuid();
    [DllImport("libc.so.6")] static extern uint getegid();
}
