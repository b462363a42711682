namespace Emu.Cli.Running;

/// <summary>Signatures of commands seen before, and the runner each led to.</summary>
static class Memo
{
    /// <summary>The runner for exactly this signature, if it is still there.</summary>
    public static string? Find(string signature)
    {
        string file = FileOf(signature);
        if (!File.Exists(file)) return null;
        string text = File.ReadAllText(file);
        if (text.Length <= signature.Length || text[signature.Length] != '\0' || !text.StartsWith(signature, StringComparison.Ordinal)) return null;
        string runner = text[(signature.Length + 1)..];
        return File.Exists(runner) ? runner : null;
    }

    /// <summary>Remembers the runner, unless the guest is so young that a change might leave its times as they are.</summary>
    public static string Keep(string signature, string runner, Stat guest)
    {
        const long youngSeconds = 1;
        if (DateTimeOffset.UtcNow.ToUnixTimeSeconds() - guest.ChangeTime <= youngSeconds) return runner;
        CacheFolder.Part("memo");
        string file = FileOf(signature), partial = $"{file}.{Environment.ProcessId}";
        File.WriteAllText(partial, signature + '\0' + runner);
        File.Move(partial, file, overwrite: true);
        return runner;
    }

    /// <summary>FNV-1a: a file name needs no more, as the whole signature is compared.</summary>
    static string FileOf(string signature)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (char c in signature) hash = (hash ^ c) * 0x100000001b3;
        return Path.Combine(CacheFolder.Root, "memo", hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
    }
}
