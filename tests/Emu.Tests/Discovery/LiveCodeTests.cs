using System.Text;
using Emu.Tests.Programs;
using Emu.Translator;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.Linking;
using Emu.Translator.Passes;
using Xunit;

namespace Emu.Tests.Discovery;

/// <summary>Regions of code in memory.</summary>
public class LiveCodeTests
{
    static LiveCode At0x1000(string hex, ulong barrier = 0)
    {
        var page = new byte[4096];
        Convert.FromHexString(hex).CopyTo(page, 0);
        return new(at => at == 0x1000 ? page : null, at => at == barrier);
    }

    /// <summary>je 1f; lock; 1: cmpxchg [rdi],rdx; inc eax; ret: two instructions overlap, and meet again at inc.</summary>
    [Fact]
    public void No_instruction_is_in_two_blocks()
    {
        var region = At0x1000("7401f0480fb117ffc0c3").Region(0x1000)!;
        Assert.Equal([0x1000ul, 0x1002, 0x1003, 0x1007, 0x1009], region.Blocks.SelectMany(b => b.Instructions).Select(i => i.IP).Order().ToArray());
    }

    /// <summary>An object refers to the regions that the name in the cache says, also where another thread adds one meanwhile.</summary>
    [Fact]
    public void Objects_refer_to_what_their_names_say()
    {
        const ulong other = 0x1080;
        var cache = new ObjectCache(Directory.CreateTempSubdirectory("emu-objects-").FullName, "tests");
        var pipeline = new Pipeline(Image.Load(Path.Combine(Repository.Root, ".build/emu/launch")), new(2, 1, cache, ""));
        var code = At0x1000("eb7e", other); // jmp 0x1080
        var region = code.Region(0x1000)!;
        int asked = 0;
        bool RefersTo(Func<ulong, bool> isRoot) =>
            Encoding.Latin1.GetString(pipeline.Translate(region, (at, size) => code.Read(at, size), isRoot, _ => false, new(GuardKind.Entry, []), ExactFaults.No).Object).Contains($"emu_r_{other:x}");
        Assert.False(RefersTo(at => at == other && ++asked > 1));
        Assert.True(RefersTo(at => at == other));
        Assert.False(RefersTo(_ => false));
        Directory.Delete(cache.Directory, recursive: true);
    }
}
