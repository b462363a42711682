using System.Globalization;
using System.Text;
using Emu.Cli.Options;
using Emu.Cli.Running;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Iced.Intel;

namespace Emu.Cli.Verbs;

/// <summary>emu show: regions, and their code at any stage.</summary>
static class ShowVerb
{
    static readonly string[] stages = ["cfg", "lift", "instrumented", "flags", "lowered", "llvm", "asm"];

    public static int Run(ShowOptions options)
    {
        options.Check();
        if (options.Stage is { } s && !stages.Contains(s)) throw new UsageException($"show: there is no stage '{s}'; there are: {string.Join(' ', stages)}");
        var guest = GuestFile.Named(options.Guest);
        using var output = new StreamWriter(new Output(1), new UTF8Encoding(false), 1 << 16);
        try
        {
            var t = Translation.Open(guest, options, withText: true);
            if (options.Missing) Missing.Print(t.Pipeline, t.Image, output);
            else if (options.Function is null && options.Stage is null) List(t, output);
            else foreach (var region in Regions(t, options.Function)) Show(t, region, options.Stage ?? "lift", output);
            output.Flush();
        }
        catch (IOException e) when (e.HResult == Libc.Epipe) { }
        catch (BadInputException e) { throw new UserException($"{guest.Typed}: {e.Message}"); }
        return 0;
    }

    static void List(Translation t, TextWriter to)
    {
        foreach (var r in t.Pipeline.Program.Regions)
            to.WriteLine($"0x{r.Root:x} {r.Blocks.Sum(b => (long)(b.EndAddress - b.Address)),7} {Name(t.Image, r.Root)}".TrimEnd());
    }

    static void Show(Translation t, GuestRegion region, string stage, TextWriter to) =>
        to.Write(stage == "cfg" ? Graph(t.Image, region) : t.Pipeline.Show(region, stage));

    static IEnumerable<GuestRegion> Regions(Translation t, string? function)
    {
        var program = t.Pipeline.Program;
        if (function is null) return program.Regions;
        ulong address = t.Image.Symbols[function]?.Address ?? Address(function) ?? throw new UserException($"{t.Guest.Typed}: there is no symbol '{function}' (an address starts with 0x)");
        if (program.RegionAt(address) is { } at) return [at];
        var holding = program.Regions.Where(r => r.Blocks.Any(b => b.Address <= address && address < b.EndAddress)).ToArray();
        return holding.Length > 0 ? holding : throw new UserException($"{t.Guest.Typed}: no code was found at 0x{address:x}");
    }

    static ulong? Address(string text) =>
        ulong.TryParse(text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong a) ? a : null;

    static string Name(Image image, ulong pc) => image.Symbolize(pc) is var (name, offset) ? offset == 0 ? name : $"{name}+0x{offset:x}" : "";

    /// <summary>Blocks with their instructions, and the edges out of each.</summary>
    static string Graph(Image image, GuestRegion region)
    {
        var s = new StringBuilder($"region 0x{region.Root:x} {Name(image, region.Root)}".TrimEnd() + "\n");
        foreach (var b in region.Blocks)
        {
            s.Append(CultureInfo.InvariantCulture, $"\nblock 0x{b.Address:x}\n");
            foreach (var i in b.Instructions) s.Append(CultureInfo.InvariantCulture, $"    0x{i.IP:x}  {i}\n");
            s.Append("  ").Append(Edges(b)).Append('\n');
        }
        return s.ToString();
    }

    static string Edges(GuestBlock b)
    {
        string inside = string.Concat(b.Successors.Select(a => $" 0x{a:x}")), outside = string.Concat(b.Exits.Select(a => $" 0x{a:x} (region)"));
        string table = b.Table is { } t ? $", table of {t.Targets.Count}" : "";
        return $"{b.End.ToString().ToLowerInvariant()}{table}{(inside + outside == "" ? "" : " ->")}{inside}{outside}";
    }
}
