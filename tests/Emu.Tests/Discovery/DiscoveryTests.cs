using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Xunit;

namespace Emu.Tests.Discovery;

public class DiscoveryTests
{
    public static TheoryData<string> Compilers() =>
    [
        "gcc -O0 -static", "gcc -O2 -static", "gcc -O3 -static-pie", "gcc -O2 -static -fno-pie -no-pie -fcf-protection=none",
        "clang-19 -O0 -static-pie", "clang-19 -O2 -static", "clang-19 -O3 -static-pie", "clang-19 -O2 -static -fno-pie",
        "musl-gcc -O0 -static", "musl-gcc -O2 -static", "musl-gcc -Os -static -fno-pie -no-pie",
    ];

    /// <summary>Jumps whose table the guest writes to are the only ones that may stay open.</summary>
    [Theory, MemberData(nameof(Compilers))]
    public void AllTablesOfTheGuestResolve(string compiler)
    {
        var program = Compiled.Discovered(Compiled.Program("switches.c", compiler));
        var open = program.Unresolved.Select(u => (u, Name: program.Image.Symbolize(u.Address)?.Name ?? ""))
            .Where(u => u.Name.StartsWith("sw_", StringComparison.Ordinal) && !u.Name.StartsWith("sw_goto_writable", StringComparison.Ordinal));
        Assert.Empty(open);
    }

    [Theory, MemberData(nameof(Compilers))]
    public void EveryStepOfANativeRunIsKnown(string compiler)
    {
        var guest = Compiled.Program("switches.c", compiler);
        var steps = Compiled.Steps(guest);
        Assert.Empty(new StepTruth(Compiled.Discovered(guest)).Missing(steps).Take(10));
        Assert.Empty(new StepTruth(Compiled.Discovered(Compiled.Stripped(guest))).Missing(steps).Take(10));
    }

    [Theory]
    [InlineData("/bin/busybox", "echo", "hello")]
    [InlineData("/bin/busybox", "awk", "BEGIN { for (i = 0; i < 5; i++) s = s sprintf(\"%d%s\", i * i, substr(\"abc\", i, 1)); print toupper(s), 7 / 3 }")]
    [InlineData("/bin/busybox", "sha256sum", "/etc/hostname")]
    public void EveryStepOfBusyboxIsKnown(string file, params string[] arguments)
    {
        if (!File.Exists(file) || IsDynamic(file)) return;
        Assert.Empty(new StepTruth(Compiled.Discovered(file)).Missing(Compiled.Steps(file, arguments)).Take(10));
    }

    static bool IsDynamic(string file)
    {
        try
        {
            Image.Load(file);
            return false;
        }
        catch (BadInputException)
        {
            return true;
        }
    }

    [Fact]
    public void RegionsAreWellFormed()
    {
        var program = Compiled.Discovered(Compiled.Program("switches.c", "gcc -O2 -static"));
        var shapes = new Dictionary<ulong, (ulong End, BlockEnd Kind)>();
        Assert.Equal(program.Roots.Select(r => r.Address), program.Regions.Select(r => r.Root));
        Assert.Equal(program.Roots.Select(r => r.Address).Order(), program.Roots.Select(r => r.Address));
        foreach (var region in program.Regions)
        {
            var inside = region.Blocks.Select(b => b.Address).ToHashSet();
            Assert.Equal(region.Root, region.Blocks[0].Address);
            Assert.True(region.Blocks.Skip(1).Zip(region.Blocks.Skip(2)).All(p => p.First.Address < p.Second.Address));
            Assert.True(region.Blocks.Sum(b => b.Instructions.Count) <= Discover.DefaultRegionLimit);
            foreach (var block in region.Blocks)
            {
                Assert.All(block.Successors, s => Assert.Contains(s, inside));
                Assert.All(block.Exits, e => Assert.True(program.RegionAt(e) is not null && (e == region.Root || !inside.Contains(e))));
                Assert.True(block.Instructions.Count <= 64);
                Assert.Equal((block.EndAddress, block.End), shapes.TryGetValue(block.Address, out var known) ? known : shapes[block.Address] = (block.EndAddress, block.End));
            }
        }
    }

    [Fact]
    public void ResultsAreTheSameEveryTime()
    {
        var guest = Compiled.Program("switches.c", "clang-19 -O2 -static");
        static IEnumerable<string> Text(Emu.Translator.Discovery.Program p) =>
            p.Regions.SelectMany((r, n) => r.Blocks.Select(b => $"{p.Roots[n]} {b.Address:x} {b.EndAddress:x} {b.End} {string.Join(' ', b.Successors)} {string.Join(' ', b.Table?.Targets ?? [])}"));
        Assert.Equal(Text(Compiled.Discovered(guest)), Text(Discover.Run(Image.Load(guest), [])));
    }

    [Fact]
    public void SmallLimitsSplitWithoutLosingCode()
    {
        var image = Image.Load(Compiled.Program("switches.c", "musl-gcc -O2 -static"));
        var (whole, split) = (Discover.Run(image, []), Discover.Run(image, [], regionLimit: 100));
        static IEnumerable<ulong> Code(Emu.Translator.Discovery.Program p) => p.Regions.SelectMany(r => r.Blocks).SelectMany(b => b.Instructions).Select(i => i.IP).Distinct().Order();
        Assert.Equal(Code(whole), Code(split));
        Assert.True(split.Regions.All(r => r.Blocks.Sum(b => b.Instructions.Count) <= 100));
    }

    [Fact]
    public void SetjmpReturnSitesAreRoots()
    {
        var guest = Compiled.Program("switches.c", "gcc -O2 -static");
        var named = Compiled.Discovered(guest).Roots.Where(r => (r.Reason & RootReason.SecondReturn) != 0).Select(r => r.Address).ToHashSet();
        var stripped = Compiled.Discovered(Compiled.Stripped(guest)).Roots.Where(r => (r.Reason & RootReason.SecondReturn) != 0).Select(r => r.Address).ToHashSet();
        Assert.NotEmpty(named);
        Assert.Subset(stripped, named);
    }

    [Fact]
    public void ExtraRootsGetRegions()
    {
        var image = Image.Load(Compiled.Program("switches.c", "musl-gcc -O2 -static"));
        var middle = Discover.Run(image, []).Regions[3].Blocks[^1].Address;
        var root = Assert.Single(Discover.Run(image, [middle]).Roots, r => r.Address == middle);
        Assert.NotEqual(RootReason.None, root.Reason & RootReason.Extra);
    }
}
