using System.Runtime.InteropServices;

namespace Emu.Cli.Running;

/// <summary>A program named on the command line.</summary>
/// <param name="Typed">As it was said.</param>
/// <param name="Found">The path that it was found by: what a shell would execute.</param>
/// <param name="Path">Where it is, without links: what /proc/self/exe shows.</param>
/// <param name="CommandName">What the kernel calls the process: the last part of the name that is executed.</param>
sealed record GuestFile(string Typed, string Found, string Path, string CommandName, Stat Stat)
{
    /// <summary>A command as a shell finds it: with a slash a path, otherwise in $PATH.</summary>
    public static GuestFile Command(string typed) =>
        typed.Contains('/') ? At(typed, typed)
        : InPath(typed) is { } found ? At(typed, found)
        : throw new UserException($"{typed}: not found in $PATH{(File.Exists(typed) ? $" (for the file here say ./{typed})" : "")}");

    /// <summary>A file; if there is none of that name, a command.</summary>
    public static GuestFile Named(string typed) => File.Exists(typed) || typed.Contains('/') ? At(typed, typed) : Command(typed);

    static GuestFile At(string typed, string path)
    {
        if (path == "") throw new UserException("the guest's name is empty");
        if (Stat.Of(path) is not { } stat) throw new UserException($"{typed}: no such file");
        if (stat.IsDirectory) throw new UserException($"{typed}: is a directory");
        if (!stat.IsRegular) throw new UserException($"{typed}: is not a regular file");
        return new(typed, path, RealPath(path), System.IO.Path.GetFileName(path), stat);
    }

    static string? InPath(string name)
    {
        const int executable = 1;
        if (name == "") return null;
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin").Split(':'))
        {
            string path = System.IO.Path.Combine(folder == "" ? "." : folder, name);
            if (Stat.Of(path) is { IsRegular: true } && Access(path, executable)) return path;
        }
        return null;
    }

    static unsafe bool Access(string path, int mode) => Libc.access(Libc.Text(path), mode) == 0;

    /// <summary>A path without links.</summary>
    public static unsafe string RealPath(string path)
    {
        byte* real = Libc.realpath(Libc.Text(path), null);
        if (real == null) return System.IO.Path.GetFullPath(path);
        string text = Marshal.PtrToStringUTF8((nint)real)!;
        Libc.free(real);
        return text;
    }
}
