namespace Emu.Cli.Running;

/// <summary>A runner that is up to date while these files are as they were.</summary>
/// <param name="Files">What else than the guest it was made from, each as "FILE SIGNATURE".</param>
sealed record Known(string Runner, IReadOnlyList<string> Files)
{
    public static string Line(string file) => $"{file} {Stat.Of(file)?.Signature}";
    public bool IsThere => File.Exists(Runner) && Files.All(l => l == Line(l[..l.LastIndexOf(' ')]));
}

/// <summary>Signatures of commands seen before, and the runner each led to. The launcher reads them, too (Emu.Launch/launch.c).</summary>
static class Memo
{
    /// <summary>The variable with what the launcher would have liked to know.</summary>
    const string Asked = "EMU_ASKED";

    /// <summary>The runner for exactly this signature, if it is still there.</summary>
    public static Known? Find(string signature)
    {
        string file = FileOf(signature);
        if (!File.Exists(file)) return null;
        string text = File.ReadAllText(file);
        if (text.Length <= signature.Length || text[signature.Length] != '\0' || !text.StartsWith(signature, StringComparison.Ordinal)) return null;
        var lines = text[(signature.Length + 1)..].Split('\0');
        return new Known(lines[0], lines[1..]) is { IsThere: true } known ? known : null;
    }

    /// <summary>Remembers the runner, unless the guest is so young that a change might leave its times as they are.</summary>
    public static Known Keep(string signature, Known runner, Stat guest)
    {
        const long youngSeconds = 1;
        if (DateTimeOffset.UtcNow.ToUnixTimeSeconds() - guest.ChangeTime <= youngSeconds) return runner;
        CacheFolder.Part("memo");
        string file = FileOf(signature), partial = $"{file}.{Environment.ProcessId}";
        File.WriteAllText(partial, string.Join('\0', [signature, runner.Runner, .. runner.Files]));
        File.Move(partial, file, overwrite: true);
        return runner;
    }

    /// <summary>Leaves the launcher its answer. Of a script it has the words before the script's path, too, as ">WORD".</summary>
    public static void Answer(Known runner, GuestFile guest)
    {
        if (Environment.GetEnvironmentVariable(Asked) is not { } asked) return;
        string[] script = guest.IsScript ? [.. guest.Before.Select(w => ">" + w), Known.Line(guest.Path)] : [];
        Keep(asked, runner with { Files = [.. script, .. runner.Files] }, guest.Stat);
    }

    /// <summary>FNV-1a: a file name needs no more, as the whole signature is compared.</summary>
    static string FileOf(string signature)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (char c in signature) hash = (hash ^ c) * 0x100000001b3;
        return Path.Combine(CacheFolder.Root, "memo", hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
    }
}
