using System.Text;
using Emu.Cli.Options;
using Emu.Cli.Running;

namespace Emu.Cli.Verbs;

/// <summary>emu verify: runs a program natively, then translated, with the same input, and compares everything that comes out.</summary>
static class VerifyVerb
{
    sealed record Result(byte[] Out, byte[] Error, Ending Ending);

    public static int Run(VerifyOptions options, string[] args)
    {
        options.Check();
        var guest = GuestFile.Named(options.Guest);
        string runner = RunnerStore.Get(guest, options).Runner;
        IReadOnlyList<byte[]> argv = guest.Words([Launch.Bytes(options.Guest), .. args.Select(Launch.Bytes)]);
        string work = WorkFolder.Path, input = Input(work);
        string named = Path.Combine(Path.GetDirectoryName(guest.Path)!, guest.CommandName);
        var native = Execute(!guest.IsScript && File.Exists(named) ? named : guest.Path, argv, work, input, native: true);
        SetVariable("EMU_DATA", Path.Combine(work, "emudata"));
        SetVariable("EMU_EXECFN", guest.Found);
        return Compare(native, Execute(runner, argv, work, input, native: false));
    }

    static unsafe void SetVariable(string name, string value) => Libc.setenv(Libc.Text(name), Libc.Text(value), 1);

    /// <summary>Standard input as a file that can be read twice; a terminal is not asked.</summary>
    static string Input(string work)
    {
        if (Libc.isatty(0) == 1) return "/dev/null";
        string path = Path.Combine(work, "stdin");
        using var copy = File.Create(path);
        new Output(0).CopyTo(copy);
        return path;
    }

    static Result Execute(string program, IReadOnlyList<byte[]> argv, string work, string input, bool native)
    {
        string output = Path.Combine(work, "stdout"), error = Path.Combine(work, "stderr");
        File.Delete(output);
        File.Delete(error);
        var ending = Launch.Run(program, argv, (input, output, error), native);
        return new(File.ReadAllBytes(output), File.ReadAllBytes(error), ending);
    }

    static int Compare(Result native, Result translated)
    {
        byte[] error = native.Ending == translated.Ending && native.Ending.IsSignal ? WithoutOurs(translated.Error) : translated.Error;
        string? difference = Difference("stdout", native.Out, translated.Out) ?? Difference("stderr", native.Error, error);
        if (native.Ending.Status != translated.Ending.Status)
        {
            string ends = $"the end differs: native {native.Ending}, translated {translated.Ending}";
            difference = difference is null ? ends + Said(translated.Error) : $"{ends}\n{difference}";
        }
        Console.Out.WriteLine(difference ?? $"identical: stdout {native.Out.Length} bytes, stderr {native.Error.Length} bytes, {native.Ending}");
        return difference is null ? 0 : CommandLine.Failed;
    }

    /// <summary>What the runner says before it dies of the guest's signal is not the guest's.</summary>
    static byte[] WithoutOurs(byte[] error)
    {
        var text = Encoding.Latin1.GetString(error);
        int at = text.StartsWith("emu: ", StringComparison.Ordinal) ? 0 : text.LastIndexOf("\nemu: ", StringComparison.Ordinal) + 1;
        return at > 0 || text.StartsWith("emu: ", StringComparison.Ordinal) ? error[..at] : error;
    }

    static string Said(byte[] error) =>
        Encoding.UTF8.GetString(error).Split('\n').LastOrDefault(l => l.StartsWith("emu: ", StringComparison.Ordinal)) is { } line ? $"\n  {line}" : "";

    static string? Difference(string what, byte[] native, byte[] translated)
    {
        int at = native.AsSpan().CommonPrefixLength(translated);
        if (at == native.Length && at == translated.Length) return null;
        int line = native.AsSpan(0, at).Count((byte)'\n') + 1, start = at == 0 ? 0 : native.AsSpan(0, at).LastIndexOf((byte)'\n') + 1;
        return $"{what} differs at byte {at}, line {line} (native {native.Length} bytes, translated {translated.Length}):\n" +
            $"  native:     {Line(native, start, at)}\n  translated: {Line(translated, start, at)}";
    }

    /// <summary>The line at <paramref name="start"/>, as text that fits on one, with the place of interest in it.</summary>
    static string Line(byte[] bytes, int start, int at)
    {
        const int width = 100;
        if (at >= bytes.Length && start >= bytes.Length) return "(ends here)";
        int from = Math.Max(start, at - width / 2), end = bytes.AsSpan(from).IndexOf((byte)'\n');
        var line = bytes.AsSpan(from, Math.Min(width, end < 0 ? bytes.Length - from : end));
        var text = new StringBuilder(from > start ? "..." : "");
        foreach (char c in Encoding.Latin1.GetString(line)) text.Append(c is >= ' ' and < '\x7f' ? c.ToString() : $"\\x{(int)c:x2}");
        return text.Append(at >= bytes.Length ? " (ends here)" : "").ToString();
    }
}
