using Emu.Cli.Options;
using Emu.Cli.Running;

namespace Emu.Cli.Verbs;

/// <summary>emu build: a runner at a place of the user's choice.</summary>
static class BuildVerb
{
    public static int Run(BuildOptions options)
    {
        options.Check();
        var guest = GuestFile.Named(options.Guest);
        string output = Path.GetFullPath(options.Output ?? Path.GetFileName(guest.Path) + ".emu");
        if (options.Output is "" || output.EndsWith('/')) throw new UserException($"{options.Output}: the runner needs a file name");
        if (options.Bundle) Bundle.Check(options);
        CheckWritable(options.Output ?? output, output);
        if (guest.IsScript) throw new UserException($"{options.Guest}: a script; what can be translated is its interpreter, {guest.Before[0]}");
        var translation = Translation.Open(guest, options);
        string made = Path.Combine(WorkFolder.Path, "runner");
        translation.Build(made);
        if (options.Bundle) Bundle.Write(output, translation.Pipeline);
        Place(made, output);
        return 0;
    }

    /// <summary>The output appears whole or not at all, on whichever file system it is.</summary>
    static void Place(string made, string output)
    {
        string partial = Beside(output);
        try
        {
            File.Move(made, partial, overwrite: true);
            File.Move(partial, output, overwrite: true);
        }
        finally { File.Delete(partial); }
    }

    static string Beside(string output) => $"{output}.{Environment.ProcessId}";

    /// <summary>Says so before the work, not after it. Nothing but a regular file is ever replaced.</summary>
    static void CheckWritable(string said, string output)
    {
        if (Stat.Of(output) is { IsRegular: false } there) throw new UserException($"cannot write {said}: it is {(there.IsDirectory ? "a directory" : "not a regular file")}");
        try { File.Create(Beside(output), 1, FileOptions.DeleteOnClose).Dispose(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string reason = !Directory.Exists(Path.GetDirectoryName(output)) ? "its folder does not exist"
                : e is UnauthorizedAccessException ? "permission denied"
                : e is FileNotFoundException ? "no file can be made there" : e.Message;
            throw new UserException($"cannot write {said}: {reason}");
        }
    }
}
