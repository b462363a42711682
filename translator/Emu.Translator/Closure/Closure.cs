using Emu.Translator.Elf;

namespace Emu.Translator.Closure;

/// <summary>What a dynamic program consists of: its dynamic linker first, then the libraries that it and they need, each at its place.</summary>
public static class ProgramClosure
{
    sealed record Found(string Path, Image Image, Found? Loader)
    {
        public IReadOnlyList<(string, Image)> Loaders
        {
            get
            {
                var all = new List<(string, Image)>();
                for (var at = this; at != null; at = at.Loader) all.Add((at.Path, at.Image));
                return all;
            }
        }
    }

    /// <summary>The files, in the order of a search by breadth, as ld.so loads them; what is not found is left to the run.</summary>
    /// <param name="also">More libraries: what the program opens while it runs.</param>
    /// <param name="realPath">A path without links.</param>
    public static IReadOnlyList<(string Path, Image Image)> Of(string programPath, Image program, IEnumerable<string> also, string libraryPath, Func<string, string> realPath)
    {
        if (program.Interpreter is not { } interpreter) return [];
        var search = new LibrarySearch(interpreter.Contains("ld-musl", StringComparison.Ordinal), libraryPath);
        var root = new Found(programPath, program, null);
        var modules = new List<(string Path, Image Image)>();
        var names = new HashSet<string>();
        var pending = new Queue<Found>([root]);
        void Add(string path, Found? loader)
        {
            string real = realPath(path);
            if (modules.Any(m => m.Path == real) || !names.Add(path) || Read(real) is not { } image) return;
            if (image.SoName is { } name) names.Add(name);
            modules.Add((real, image));
            pending.Enqueue(new(real, image, loader));
        }
        Add(interpreter, null);
        foreach (string path in also) Add(path, root);
        while (pending.TryDequeue(out var next))
            foreach (string name in next.Image.Needed.Where(n => !names.Contains(n)))
                if (search.Find(name, next.Loaders) is { } path) Add(path, next);
        return modules;
    }

    static Image? Read(string path)
    {
        try { return Image.Load(path) is { IsPie: true } image ? image : null; }
        catch (BadInputException) { return null; }
    }
}

/// <summary>Gives each file addresses that do not depend on the program, so that its translation serves all programs.</summary>
public static class Placement
{
    /// <summary>Above programs and their heap, below the runner; all below 2 GiB, so that addresses are immediates.</summary>
    public const ulong From = 0x20000000, To = 0x60000000;

    const ulong Step = 0x10000;

    /// <summary>Load bases: where the hash of its name says, or behind what is there already: the dynamic linker first, then what is needed most.</summary>
    public static IReadOnlyList<ulong?> Of(Image program, IReadOnlyList<(string Path, Image Image)> modules)
    {
        var taken = new List<(ulong From, ulong To)> { Module.RangeOf(program) };
        var bases = new ulong?[modules.Count];
        foreach (int n in (int[])[.. modules.Count > 0 ? [0] : Array.Empty<int>(), .. Enumerable.Range(1, Math.Max(0, modules.Count - 1)).Reverse()])
        {
            var image = modules[n].Image;
            var (from, to) = Module.RangeOf(image);
            if (Free(taken, Hash(image.SoName ?? Path.GetFileName(modules[n].Path)), to - from) is not { } at) continue;
            taken.Add((at, at + to - from));
            bases[n] = at - (from - image.Base);
        }
        return bases;
    }

    static ulong? Free(List<(ulong From, ulong To)> taken, uint hash, ulong size)
    {
        ulong steps = (To - From) / Step;
        for (ulong n = 0; n < steps; n++)
        {
            ulong at = From + (hash + n) % steps * Step;
            // A page between two keeps an overrun from one out of the other, as natively.
            if (at + size < To && taken.All(t => at >= t.To + Step || at + size + Step <= t.From)) return at;
        }
        return null;
    }

    /// <summary>FNV-1a.</summary>
    static uint Hash(string name) => System.Text.Encoding.UTF8.GetBytes(name).Aggregate(0x811c9dc5u, (h, b) => (h ^ b) * 0x01000193);
}
