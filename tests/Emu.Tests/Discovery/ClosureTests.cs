using Emu.Tests.Programs;
using Emu.Translator.Closure;
using Emu.Translator.Elf;
using Xunit;

namespace Emu.Tests.Discovery;

public class ClosureTests
{
    static string Real(string path) => Repository.Run("/usr/bin/realpath", path).Trim();

    static IReadOnlyList<(string Path, Image Image)> Of(string program) => ProgramClosure.Of(Real(program), Image.Load(program), [], "", Real);

    /// <summary>The dynamic linker itself says what it would load (ldd is that).</summary>
    [Theory]
    [InlineData("/usr/bin/ls")]
    [InlineData("/usr/bin/git")]
    [InlineData("/usr/bin/mawk")]
    [InlineData("/usr/bin/gcc")]
    [InlineData("/usr/bin/clang-19")]
    public void FilesAreThoseThatTheDynamicLinkerLoads(string program)
    {
        var loaded = Repository.Run("/usr/bin/ldd", program).Split('\n').Select(l => l.Split("=> ")[^1].Trim().Split(" (")[0]).Where(p => p.StartsWith('/')).Select(Real).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(loaded, Of(program).Select(m => m.Path).Order(StringComparer.Ordinal));
    }

    /// <summary>A library that programs share lies at one place in all of them; nothing overlaps.</summary>
    [Fact]
    public void PlacesDependOnNamesAlone()
    {
        var libc = new HashSet<ulong?>();
        foreach (var program in (string[])["/usr/bin/ls", "/usr/bin/git", "/usr/bin/clang-19"])
        {
            var (image, modules) = (Image.Load(program), Of(program));
            var bases = Placement.Of(image, modules);
            Assert.DoesNotContain(null, bases);
            libc.Add(bases[modules.ToList().FindIndex(m => m.Path.EndsWith("/libc.so.6"))]);
            var ranges = modules.Zip(bases).Select(m => Image.Parse(m.First.Image.File, m.Second!.Value)).Append(image).Select(i => (i.Segments[0].Address, i.Segments.Max(s => s.End))).Order().ToArray();
            for (var n = 1; n < ranges.Length; n++) Assert.True(ranges[n - 1].Item2 <= ranges[n].Address, $"{ranges[n].Address:x}");
        }
        Assert.Single(libc);
    }
}
