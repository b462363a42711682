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
        string partial = $"{output}.{Environment.ProcessId}";
        if (options.Bundle) Bundle.Check(options);
        CheckWritable(options.Output ?? output, output, partial);
        try
        {
            var translation = Translation.Open(guest, options);
            translation.Build(partial);
            if (options.Bundle) Bundle.Write(output, translation.Pipeline);
            File.Move(partial, output, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
        return 0;
    }

    /// <summary>Says so before the work, not after it. Nothing but a regular file is ever replaced.</summary>
    static void CheckWritable(string said, string output, string partial)
    {
        if (Stat.Of(output) is { IsRegular: false } there) throw new UserException($"cannot write {said}: it is {(there.IsDirectory ? "a directory" : "not a regular file")}");
        try { File.Create(partial).Dispose(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string reason = !Directory.Exists(Path.GetDirectoryName(output)) ? "its folder does not exist"
                : e is UnauthorizedAccessException ? "permission denied"
                : e is FileNotFoundException ? "no file can be made there" : e.Message;
            throw new UserException($"cannot write {said}: {reason}");
        }
    }
}
