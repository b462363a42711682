using System.Globalization;
using Emu.Cli.Running;
using Emu.Translator.Elf;

namespace Emu.Fallback;

/// <summary>Writes what runs miss where the next build finds it: in the program's profile, or in that of the library that has the code.</summary>
sealed class Lessons(Image program, IReadOnlyList<(string Path, ulong Base, ulong From, ulong To)> modules)
{
    readonly MissProfile own = MissProfile.Of(program.File.Span);
    Mappings mappings = new(0, 0, []);
    /// <summary>Of each file that code was met in; null: it cannot be read.</summary>
    readonly Dictionary<string, Library?> libraries = [];

    /// <summary>What a process had mapped a moment ago: to read that takes longer than to translate a region.</summary>
    sealed record Mappings(int Process, long ReadAt, IReadOnlyList<(ulong From, ulong To, ulong Offset, string Path)> All)
    {
        const long FreshMilliseconds = 100;

        /// <summary>The mapping of a PC; null where it is not known.</summary>
        public (ulong From, ulong To, ulong Offset, string Path)? At(ulong pc, int process)
        {
            if (process == Process && Environment.TickCount64 - ReadAt < FreshMilliseconds)
                foreach (var m in All) if (pc >= m.From && pc < m.To) return m;
            return null;
        }

        public static Mappings Of(int process)
        {
            var all = new List<(ulong, ulong, ulong, string)>();
            try
            {
                foreach (string line in File.ReadLines($"/proc/{process}/maps"))
                {
                    var words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
                    var ends = words[0].Split('-');
                    all.Add((Hex(ends[0]), Hex(ends[1]), Hex(words[2]), words.Length == 6 ? words[5] : ""));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { } // it is gone, or has other rights
            return new(process, Environment.TickCount64, all);
        }
    }

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

    /// <summary>The program has a handler for faults, and its code was translated ahead of time as if it had none.</summary>
    public void LearnFaults() => own.AddFaults();

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
    (string Path, ulong Offset)? Mapping(ulong pc, int process)
    {
        var found = mappings.At(pc, process) ?? (mappings = Mappings.Of(process)).At(pc, process);
        return found is { } m && m.Path.StartsWith('/') ? (m.Path, pc - m.From + m.Offset) : null;
    }

    static ulong Hex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
