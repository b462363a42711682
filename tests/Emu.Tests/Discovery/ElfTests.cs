using Emu.Translator.Elf;
using Xunit;

namespace Emu.Tests.Discovery;

public class ElfTests
{
    static byte[] Guest(string compiler = "gcc -O2 -static-pie") => File.ReadAllBytes(Compiled.Program("switches.c", compiler));

    static string Complaint(byte[] file) => Assert.Throws<BadInputException>(() => Image.Parse(file)).Message;

    static byte[] With(int offset, params byte[] bytes)
    {
        var file = Guest();
        bytes.CopyTo(file, offset);
        return file;
    }

    [Fact]
    public void BadInputIsNamedInOneLine()
    {
        Assert.Equal("empty file", Complaint([]));
        Assert.Equal("not an ELF file", Complaint("#!/bin/sh\n"u8.ToArray()));
        Assert.StartsWith("32-bit", Complaint(With(4, 1)));
        Assert.StartsWith("big-endian", Complaint(With(5, 2)));
        Assert.Equal("wrong machine: AArch64, not x86-64", Complaint(With(18, 183, 0)));
        Assert.Equal("not an executable: a relocatable object", Complaint(With(16, 1, 0)));
        Assert.Equal("not an executable: a core dump", Complaint(With(16, 4, 0)));
    }

    [Fact]
    public void DynamicLinkingIsRead()
    {
        var program = Image.Parse(Guest("gcc -O2 -Wl,-rpath,$ORIGIN/lib -Wl,--enable-new-dtags"));
        Assert.Equal("/lib64/ld-linux-x86-64.so.2", program.Interpreter);
        Assert.Equal(["libc.so.6"], program.Needed);
        Assert.Equal(("$ORIGIN/lib", false), program.RunPath);
        Assert.Contains("printf", program.Imports);
        var library = Image.Load("/lib/x86_64-linux-gnu/libm.so.6", 0x30000000);
        Assert.Equal((null, "libm.so.6", false), (library.Interpreter, library.SoName, library.HasEntry));
        Assert.Equal(0x30000000ul, library.Base);
        Assert.Null(Image.Parse(Guest()).Interpreter);
    }

    /// <summary>As long as its beginning is there, the kernel runs what there is.</summary>
    [Fact]
    public void TruncatedFilesAreNamed()
    {
        var file = Guest();
        var whole = Image.Parse(file);
        var start = whole.SegmentAt(whole.Entry)!;
        int entry = (int)(start.FileOffset + whole.Entry - start.Address);
        for (var n = 1; n <= 25; n++) Assert.Matches("truncated|not an ELF", Complaint(file[..(int)((long)entry * n / 25)]));
        for (var length = 1; length < 300; length++) Complaint(file[..length]);
        Assert.Equal(whole.Entry, Image.Parse(file[..(entry + 1)]).Entry);
    }

    /// <summary>The kernel does not look at section headers.</summary>
    [Fact]
    public void BadSectionHeadersAreNone() => Assert.Empty(Image.Parse(With(40, 0x89, 0x67, 0x45, 0x23, 1)).Sections);

    /// <summary>Pages that two segments have are the later one's, with all that its file has there.</summary>
    [Fact]
    public void LaterSegmentsWin()
    {
        var image = Image.Parse(Programs.OddFiles.Overlapping());
        Assert.Equal([(0x400000ul, 0x1000ul), (0x401000, 0x1000)], image.Segments.Select(s => (s.Address, s.Size)));
        Assert.Equal(0xb8, image.Read(image.Entry, 1)[0]);
    }

    /// <summary>Damage is either noticed with the one exception type or harmless.</summary>
    [Fact]
    public void DamagedFilesNeverSurprise()
    {
        var (original, random) = (Guest("musl-gcc -O2 -static"), new Random(1));
        for (var round = 0; round < 300; round++)
        {
            var file = (byte[])original.Clone();
            var reach = round % 3 == 0 ? 64 + 56 * 8 : file.Length;
            for (var flips = random.Next(1, 40); flips > 0; flips--) file[random.Next(reach)] = (byte)random.Next(256);
            if (round % 7 == 0) Array.Fill(file, (byte)random.Next(256), file.Length - 64 * 20, 64 * 20);
            try
            {
                var image = Image.Parse(file);
                _ = (image.Symbols.All.Count, image.Frames.Count, image.BuildId, image.LandingPads().Count(), image.InitializersAndFinalizers().Count());
                if (round % 10 == 0) Translator.Discovery.Discover.Run(image, []);
            }
            catch (BadInputException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }
    }

    [Theory]
    [InlineData("gcc -O2 -static", 0UL)]
    [InlineData("gcc -O2 -static-pie", Image.DefaultPieBase)]
    public void TablesAreRead(string compiler, ulong loadBase)
    {
        var image = Image.Load(Compiled.Program("switches.c", compiler));
        Assert.Equal(loadBase, image.Base);
        Assert.Equal(loadBase != 0, image.IsPie);
        var main = image.Symbols["main"]!;
        Assert.True(image.IsExecutable(main.Address) && !image.IsWritable(main.Address));
        Assert.Equal(("main", 5UL), image.Symbolize(main.Address + 5));
        Assert.Equal(main.Address, image.FrameAt(main.Address + 5)!.Start);
        Assert.Equal(main.Size, image.FrameAt(main.Address)!.End - main.Address);
        Assert.Equal(("_start", 0UL), image.Symbolize(image.Entry));
        Assert.Contains(image.Relocations, r => r.Type == RelocationType.Irelative && image.IsExecutable(r.Value));
        Assert.NotEmpty(image.InitializersAndFinalizers());
        Assert.NotEmpty(image.LandingPads());
        Assert.Equal(40, image.BuildId!.Length);
        Assert.Equal("\x007fELF"u8, image.Read(image.ProgramHeaders - 64, 4));
    }

    [Fact]
    public void RelocatedPointersReadAsAtRunTime()
    {
        var image = Image.Load(Compiled.Program("switches.c", "gcc -O2 -static-pie"), pieBase: 0x30000000);
        var functions = image.Symbols["functions"]!.Address;
        Assert.True(image.IsConstant(functions));
        Assert.True(image.TryReadU64(functions, out var first));
        Assert.Equal(image.Symbols["one"]!.Address, first);
    }

    [Fact]
    public void PackedRelocationsAreRead()
    {
        var image = Image.Load(Compiled.Program("switches.c", "clang-19 -O2 -static-pie -fuse-ld=lld -Wl,-z,pack-relative-relocs"));
        Assert.True(image.TryReadU64(image.Symbols["functions"]!.Address, out var first));
        Assert.Equal(image.Symbols["one"]!.Address, first);
    }
}
