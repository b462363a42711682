namespace Emu.Cli.Running;

/// <summary>
/// A folder of this process in the cache, for what is being made and for data that is thrown away. It is gone when emu ends; that of an emu that
/// was killed is removed by a later one, which sees by the lock on the file beside it that nobody uses it.
/// </summary>
static class WorkFolder
{
    const string Lock = ".lock";

    static readonly System.Threading.Lock making = new();
    static string? folder;
    static FileStream? held;

    /// <summary>The folder, made when it is not there.</summary>
    public static string Path
    {
        get { lock (making) return folder ??= Make(); }
    }

    static string Make()
    {
        string all = CacheFolder.Part("work");
        foreach (string file in Directory.GetFiles(all, "*" + Lock)) RemoveLeft(file);
        RemovePartialObjects();
        // As long for each process: it becomes a word of the guest's environment, and the stack lies below that.
        string own = System.IO.Path.Combine(all, $"{Environment.ProcessId:d7}-{System.IO.Path.GetRandomFileName()}");
        held = new(own + Lock, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        return Directory.CreateDirectory(own).FullName;
    }

    static void RemoveLeft(string file)
    {
        try
        {
            using (new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.None)) Delete(file[..^Lock.Length]);
            File.Delete(file);
        }
        catch (IOException) { } // in use, or another emu removes it
    }

    /// <summary>Objects are written beside their place (Linking/ObjectCache.cs), which takes no time: what is older, a killed process has left.</summary>
    static void RemovePartialObjects()
    {
        var old = DateTime.UtcNow.AddHours(-1);
        foreach (string file in Directory.EnumerateFiles(CacheFolder.Part("objects"), "*.o.*"))
            if (File.GetLastWriteTimeUtc(file) < old) File.Delete(file);
    }

    public static void Remove()
    {
        lock (making)
        {
            if (folder is null) return;
            Delete(folder);
            File.Delete(folder + Lock);
            held!.Dispose();
            folder = null;
        }
    }

    /// <summary>Another thread may still be writing there: what is left then, a later emu removes.</summary>
    static void Delete(string folder)
    {
        try { if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); }
        catch (IOException) { }
    }
}
