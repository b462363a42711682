using Emu.Translator;

namespace Emu.Cli.Running;

/// <summary>A program named on the command line. Of a script it is the interpreter, as for the kernel (fs/binfmt_script.c).</summary>
/// <param name="Typed">As it was said.</param>
/// <param name="Found">The path that it was found by: what a shell would execute.</param>
/// <param name="Path">Where it is, without links: what /proc/self/exe shows.</param>
/// <param name="CommandName">What the kernel calls the process: the last part of the name that is executed.</param>
/// <param name="WrongCode">emu's exit code when it is no program that can be translated.</param>
/// <param name="Before">Of a script: its interpreter, and perhaps an argument (of an interpreter that is a script itself, more).</param>
sealed record GuestFile(string Typed, string Found, string Path, string CommandName, Stat Stat, IReadOnlyList<string> Before, int WrongCode)
{
    const int MostScripts = 4; // one behind the other: fs/exec.c

    public bool IsScript => Before.Count > 0;

    /// <summary>The arguments that the program gets, the first of which is its name, for those that the user said.</summary>
    public IReadOnlyList<byte[]> Words(IReadOnlyList<byte[]> said) => IsScript ? [.. Before.Select(Launch.Bytes), Launch.Bytes(Found), .. said.Skip(1)] : said;

    /// <summary>A command as a shell finds it: with a slash a path, otherwise in $PATH. It must be executable.</summary>
    public static GuestFile Command(string typed)
    {
        string found = (typed.Contains('/') ? typed : InPath(typed))
            ?? throw new UserException($"{typed}: not found in $PATH{(File.Exists(typed) ? $" (for the file here say ./{typed})" : "")}", UserException.NotFound);
        var guest = At(typed, found, UserException.NotFound, UserException.CannotExecute);
        return IsExecutable(found) ? guest : throw new UserException($"{typed}: may not be executed (chmod +x)", UserException.CannotExecute);
    }

    /// <summary>A file; if there is none of that name, a command.</summary>
    public static GuestFile Named(string typed) => Stat.Of(typed) != null || typed.Contains('/') ? At(typed, typed, CommandLine.Failed, CommandLine.Failed) : Command(typed);

    static GuestFile At(string typed, string path, int missing, int wrong)
    {
        if (path == "") throw new UserException("the guest's name is empty", missing);
        var stat = Check(typed, path, missing, wrong);
        var before = new List<string>();
        string program = path;
        while (Shebang(program) is { } interpreter)
        {
            if (before.Count >= 2 * MostScripts) throw new UserException($"{typed}: too many scripts that are each other's interpreters", wrong);
            before.InsertRange(0, interpreter);
            program = interpreter[0];
            stat = Check($"{typed}: bad interpreter: {program}", program, wrong, wrong);
        }
        return new(typed, path, FilePath.Real(program) ?? program, System.IO.Path.GetFileName(path), stat, before, wrong);
    }

    static Stat Check(string said, string path, int missing, int wrong)
    {
        if (Stat.Of(path) is not { } stat) throw new UserException($"{said}: no such file", missing);
        if (stat.IsDirectory) throw new UserException($"{said}: is a directory", wrong);
        return stat.IsRegular ? stat : throw new UserException($"{said}: is not a regular file", wrong);
    }

    /// <summary>What the first line says behind "#!": a name, and all the rest of the line as one argument; null: the file is no script.</summary>
    static string[]? Shebang(string path)
    {
        const int most = 256; // BINPRM_BUF_SIZE
        byte[] head = Head(path, most);
        if (!head.AsSpan().StartsWith("#!"u8)) return null;
        int end = head.AsSpan().IndexOf((byte)'\n');
        string line = FilePath.Of(head.AsSpan(2, (end < 0 ? head.Length : end) - 2)).Trim(' ', '\t');
        int name = line.IndexOfAny([' ', '\t']);
        return line == "" ? null : name < 0 ? [line] : [line[..name], line[name..].TrimStart(' ', '\t')];
    }

    static byte[] Head(string path, int most)
    {
        try
        {
            using var file = FilePath.OpenRead(path);
            byte[] head = new byte[most];
            return head[..RandomAccess.Read(file, head, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; } // what reads it next says why
    }

    static string? InPath(string name)
    {
        if (name == "") return null;
        foreach (string folder in (Environment.GetEnvironmentVariable("EMU_GUEST_PATH") ?? "/usr/local/bin:/usr/bin:/bin").Split(':'))
        {
            string path = System.IO.Path.Combine(folder == "" ? "." : folder, name);
            if (Stat.Of(path) is { IsRegular: true } && IsExecutable(path)) return path;
        }
        return null;
    }

    static unsafe bool IsExecutable(string path)
    {
        const int execute = 1;
        return Libc.access(Libc.Text(path), execute) == 0;
    }

    /// <summary>A path without links.</summary>
    public static string RealPath(string path) => FilePath.Real(path) ?? System.IO.Path.GetFullPath(path);
}
