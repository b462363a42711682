using System.Globalization;
using Emu.Cli.Running;
using Emu.Translator.Elf;

namespace Emu.Fallback;

/// <summary>Writes what runs miss where the next build finds it: in the program's profile, or in that of the library that has the code.</summary>
sealed class Lessons(Image program, IReadOnlyList<(string Path, ulong Base, ulong From, ulong To)> modules)
{
    readonly MissProfile own = MissProfile.Of(program.File.Span);
    /// <summary>Of each file that code was met in; null: it cannot be read.</summary>
    readonly Dictionary<string, Library?> libraries = [];

    /// <summary>A library's profile, and where its code is in the file and in memory.</summary>
    sealed record Library(MissProfile Profile, IReadOnlyList<(ulong FileOffset, ulong Size, ulong Address)> Code)
    {
        public ulong? AddressOf(ulong offset)
        {
            foreach (var part in Code) if (offset - part.FileOffset < part.Size) return offset - part.FileOffset + part.Address;
            return null;
        }
    }

    /// <param name="process">Who met it: libraries that no build knew are in its maps.</param>
    /// <param name="isConstant">Whether the guest cannot write there.</param>
    public void Learn(ulong pc, int process, bool resumed, bool isConstant)
    {
        var reason = resumed ? MissReason.Resumed : MissReason.Undiscovered;
        if (program.IsExecutable(pc)) own.Add(pc, isConstant && !program.IsWritable(pc) ? reason : MissReason.WritablePage);
        else if (isConstant && Find(pc, process) is var (library, address)) library.Profile.Add(address, reason);
        else own.Add(pc, MissReason.Generated);
    }

    /// <summary>The library that has the code, and the address in it; null when there is none.</summary>
    (Library, ulong Address)? Find(ulong pc, int process)
    {
        foreach (var m in modules) if (pc >= m.From && pc < m.To) return LibraryAt(m.Path) is { } known ? (known, pc - m.Base) : null;
        if (Mapping(pc, process) is not var (path, offset)) return null;
        own.AddFile(path);
        return LibraryAt(path) is { } library && library.AddressOf(offset) is { } address ? (library, address) : null;
    }

    Library? LibraryAt(string path)
    {
        if (!libraries.TryGetValue(path, out var library)) libraries[path] = library = Read(path);
        return library;
    }

    static Library? Read(string path)
    {
        try
        {
            var image = Image.Load(path, 0);
            return new(MissProfile.Of(image.File.Span), [.. image.Segments.Where(s => s.IsExecutable).Select(s => (s.FileOffset, (ulong)s.Bytes.Length, s.Address))]);
        }
        catch (BadInputException)
        {
            return null;
        }
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

    static ulong Hex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
