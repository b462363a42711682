using Emu.Instrumentation;
using Emu.Ir;
using Emu.Ir.Text;
using Emu.Translator.Discovery;
using Emu.Translator.Elf;
using Emu.Translator.Instrumentation;
using Emu.Translator.X86;
using Iced.Intel;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>Every plugin on every region of a whole program: the IR stays well-formed, taking the plugins away gives the plain region back, and the sites are what Iced says.</summary>
public class RealCodeTests
{
    const string Guest = "/bin/busybox";

    static readonly Lazy<(Image Image, Translator.Discovery.Program Program)> guest = new(() =>
    {
        var image = Image.Load(Guest);
        return (image, Discover.Run(image, []));
    });

    /// <summary>Some of the regions, so that the test stays short: every n-th.</summary>
    static IEnumerable<GuestRegion> Regions(int nth) => guest.Value.Program.Regions.Where((_, n) => n % nth == 0);

    static Function Lift(GuestRegion r) => Lifter.Lift(r, new(_ => true, WithText: false) { WatchesSystemCall = _ => true });

    static IcedGuestCode Code(GuestRegion region)
    {
        var instructions = region.Blocks.SelectMany(b => b.Instructions).DistinctBy(i => i.IP).ToDictionary(i => i.IP);
        ReadOnlyMemory<byte> Bytes(ulong pc, int length) => guest.Value.Image.Read(pc, length).ToArray();
        return new(pc => instructions[pc], Bytes, _ => null, _ => null);
    }

    [Fact]
    public void StrippingGivesThePlainRegionBack()
    {
        var instrumenter = new Instrumenter(GoldenTests.Plugins("blocks", "insns", "opcodes", "memtrace,value=on", "everything"));
        foreach (var region in Regions(20))
        {
            var f = Lift(region);
            string plain = Printer.Print(f);
            var errors = Verifier.Check(f).ToList();
            instrumenter.Run(f, Code(region));
            Assert.Equal(errors, Verifier.Check(f));
            Instrumenter.Strip(f);
            Assert.Equal(plain, Printer.Print(f));
        }
    }

    /// <summary>Notes what it is shown and inserts nothing.</summary>
    [Plugin("notes")]
    sealed class Notes : InstrumentationPass
    {
        public readonly List<ulong> Blocks = [];
        public readonly List<GuestInstruction> Instructions = [];
        public readonly List<(ulong Pc, int Size, bool IsStore)> Accesses = [];

        public override void Block(BlockSite at) => Blocks.Add(at.Address);
        public override void Instruction(InstructionSite at) => Instructions.Add(at.Instruction);
        public override void Memory(MemorySite at) => Accesses.Add((at.Instruction.Address, at.Size, at.IsStore));
    }

    [Fact]
    public void SitesAreBlocksInstructionsAndAccesses()
    {
        var info = new InstructionInfoFactory();
        var wrong = new SortedDictionary<string, string>();
        foreach (var region in Regions(3))
        {
            var notes = new Notes();
            var f = Lift(region);
            new Instrumenter([Plugin.Create(notes, PluginOptions.Parse("notes"))]).Run(f, Code(region));
            Assert.Equal(region.Blocks.Where(b => b.Instructions.Count > 0).Select(b => b.Address), notes.Blocks);
            Assert.Equal(f.Blocks.SelectMany(b => b.Code).Select(i => i.Detail).OfType<Detail.Guest>().Select(g => g.Address), notes.Instructions.Select(i => i.Address));
            var seen = notes.Accesses.ToLookup(a => a.Pc, a => $"{(a.IsStore ? "W" : "R")}{a.Size}");
            var traps = Traps(f);
            var lifted = notes.Instructions.Select(i => i.Address).ToHashSet();
            foreach (var i in region.Blocks.SelectMany(b => b.Instructions).Where(i => lifted.Contains(i.IP) && !traps.Contains(i.IP)))
            {
                var (expected, found) = (Accesses(i, info.GetInfo(i)), string.Join(' ', seen[i.IP].Order()));
                if (expected != found) wrong.TryAdd($"{i.Mnemonic}", $"{i}: Iced says {expected}, sites {found}");
            }
        }
        Assert.Equal("", string.Join('\n', wrong.Values));
    }

    static string Accesses(Instruction i, InstructionInfo info) => string.Join(' ', info.GetUsedMemory().SelectMany(m =>
    {
        // An image of the state is one access; Iced has no size for the xsave family, and counts the header that xsave looks at.
        if (StateImage.Of(i.Mnemonic.ToString().ToLowerInvariant()) is { } image) return [(image.IsStore ? "W" : "R") + image.Size];
        // Of a repeated string instruction Iced gives no size here.
        int size = (m.MemorySize == MemorySize.Unknown ? i.MemorySize : m.MemorySize).GetSize();
        bool reads = m.Access is OpAccess.Read or OpAccess.CondRead or OpAccess.ReadWrite or OpAccess.ReadCondWrite, writes = m.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
        return new[] { (reads, "R"), (writes, "W") }.Where(a => a.Item1).Select(a => a.Item2 + size);
    }).Order());

    /// <summary>Instructions that are not lifted (yet).</summary>
    static HashSet<ulong> Traps(Function f) => [.. f.Blocks.Where(b => b.Terminator.Op == Op.Trap).Select(b => b.Code.LastOrDefault(i => i.Op == Op.Insn)).OfType<Inst>().Select(i => ((Detail.Guest)i.Detail!).Address)];
}
