using System.Globalization;
using Emu.Cli.Running;
using Emu.Translator.Elf;

namespace Emu.Fallback;

/// <summary>Writes what runs miss where the next build finds it: in the program's profile, or in that of the library that has the code.</summary>
sealed class Lessons(Image program, IReadOnlyList<(string Path, ulong Base, ulong From, ulong To)> modules)
{
    readonly MissProfile own = MissProfile.Of(program.File.Span);
    readonly Dictionary<string, MissProfile?> libraries = [];

    /// <param name="process">Who met it: libraries that no build knew are in its maps.</param>
    /// <param name="isConstant">Whether the guest cannot write there.</param>
    public void Learn(ulong pc, int process, bool resumed, bool isConstant)
    {
        var reason = resumed ? MissReason.Resumed : MissReason.Undiscovered;
        if (program.IsExecutable(pc)) own.Add(pc, isConstant && !program.IsWritable(pc) ? reason : MissReason.WritablePage);
        else if (isConstant && Library(pc, process) is var (path, offset)) Add(path, offset, reason);
        else own.Add(pc, MissReason.Generated);
    }

    void Add(string path, ulong offset, MissReason reason)
    {
        if (!libraries.TryGetValue(path, out var profile)) libraries[path] = profile = File.Exists(path) ? MissProfile.Of(File.ReadAllBytes(path)) : null;
        profile?.Add(offset, reason);
    }

    /// <summary>The file that an address is of, and the address in it; null when there is none.</summary>
    (string Path, ulong Address)? Library(ulong pc, int process)
    {
        foreach (var m in modules) if (pc >= m.From && pc < m.To) return (m.Path, pc - m.Base);
        if (Mapping(pc, process) is not var (path, offset)) return null;
        own.AddFile(path);
        return AddressIn(path, offset) is { } address ? (path, address) : null;
    }

    /// <summary>The mapped file and the offset in it.</summary>
    static (string Path, ulong Offset)? Mapping(ulong pc, int process)
    {
        try
        {
            foreach (string line in File.ReadLines($"/proc/{process}/maps"))
            {
                var words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
                var ends = words[0].Split('-');
                if (words.Length == 6 && words[5].StartsWith('/') && Hex(ends[0]) <= pc && pc < Hex(ends[1])) return (words[5], pc - Hex(ends[0]) + Hex(words[2]));
            }
        }
        catch (IOException) { } // it is gone
        return null;
    }

    static ulong? AddressIn(string path, ulong offset)
    {
        try
        {
            var segment = Image.Load(path, 0).Segments.FirstOrDefault(s => s.IsExecutable && offset - s.FileOffset < (ulong)s.Bytes.Length);
            return segment is null ? null : offset - segment.FileOffset + segment.Address;
        }
        catch (BadInputException)
        {
            return null;
        }
    }

    static ulong Hex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
