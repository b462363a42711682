using Emu.Cli.Options;
using Emu.Translator.Closure;
using Emu.Translator.Elf;

namespace Emu.Cli.Running;

/// <summary>The files of a dynamic program besides the program, with what runs have learnt of each.</summary>
static class Libraries
{
    public const string LoaderCache = "/etc/ld.so.cache";

    /// <summary>The guest's LD_LIBRARY_PATH, which the dynamic linker will look at as well.</summary>
    public static string Path => Environment.GetEnvironmentVariable("EMU_GUEST_LIBRARY_PATH") ?? "";

    public static IReadOnlyList<Module> Of(GuestFile guest, Image program, TranslationOptions options)
    {
        var found = ProgramClosure.Of(guest.Path, program, Also(program, options), Path, GuestFile.RealPath);
        var bases = Placement.Of(program, found);
        return [.. found.Zip(bases).Where(f => f.Second != null).Select(f => Placed(f.First.Path, f.Second!.Value, options))];
    }

    /// <summary>What the user names, and what earlier runs opened.</summary>
    static IEnumerable<string> Also(Image program, TranslationOptions options)
    {
        if (options.Also.FirstOrDefault(f => !File.Exists(f)) is { } missing) throw new UserException($"{missing}: no such file");
        return options.Also.Select(System.IO.Path.GetFullPath).Concat(options.NoProfile ? [] : MissProfile.Of(program.File.Span).Files.Where(File.Exists));
    }

    static Module Placed(string path, ulong at, TranslationOptions options)
    {
        var image = Image.Load(path, at);
        var roots = options.NoProfile ? [] : MissProfile.Of(image.File.Span).Roots;
        return new(path, image, IdentityOf(path, image)) { Roots = [.. roots.Select(pc => pc + at)] };
    }

    static FileIdentity IdentityOf(string path, Image image)
    {
        const ulong second = 1_000_000_000;
        var s = Stat.Of(path) ?? throw new UserException($"{path}: is gone");
        return new(s.Device, s.Inode, (ulong)s.Size, (ulong)s.ModifyTime * second + (ulong)s.ModifyNanos, (ulong)s.ChangeTime * second + (ulong)s.ChangeNanos, FileIdentity.HashOf(image.File.Span));
    }
}
