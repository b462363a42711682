using System.Buffers.Binary;
using System.Text.Json;
using Emu.Tests.Cli;
using Emu.Tests.Oracle;
using Emu.Translator.Elf;
using Xunit;

namespace Emu.Tests.Programs;

/// <summary>Guests whose files say little or the unusual: packed, with writable text, or without symbols, sections and frame descriptions.</summary>
public class OddFileTests
{
    static readonly string Script = Path.Combine(Repository.Root, "tests/guests/build");
    static readonly ILookup<string, Row> Cases = Tables.Cases().ToLookup(r => r.Guest);
    static readonly string folder = Repository.Work("odd");
    static readonly Lock Building = new();

    /// <summary>The code is nowhere in the file: all but the stub is met at run time.</summary>
    [Theory]
    [InlineData("calc")]
    [InlineData("jumps")]
    [InlineData("callbacks")]
    [InlineData("selfmod")]
    public void Packed(string guest) => Compare(Pack(guest), guest);

    [Theory]
    [InlineData("calc")]
    [InlineData("selfmod")]
    public void PackedInstrumented(string guest) => Compare(Pack(guest), guest, Runners.AllPlugins);

    /// <summary>Of what was unpacked: how often the stub's loop over the auxiliary vector runs is the kernel's matter.</summary>
    [Theory]
    [InlineData("sieve")]
    [InlineData("tables")]
    [InlineData("strings")]
    public void PackedCodeIsCountedAsTheCpuExecutesIt(string tiny)
    {
        string guest = Pack(tiny, "tiny"), log = guest + ".log", counts = guest + ".counts";
        var (status, _, _) = Repository.RunAny(TinyGuests.Stepper(), log, "--", guest);
        ulong before = 0, steps = 0;
        foreach (var step in StepLog.Read(log).Steps)
        {
            if (step.Rip != before && step.Rip < Packer.Base) steps++; // a rep instruction steps once for each of its turns
            before = step.Rip;
        }
        var said = Shell.Run($"emu run -p insns --only 0x400000-0x{Packer.Base:x} --json -r {counts} -- {guest}");
        Assert.Equal((status, ""), (said.Code, said.Error));
        Assert.Equal(steps, JsonDocument.Parse(File.ReadAllText(counts)).RootElement.GetProperty("insns").GetProperty("total").GetUInt64());
    }

    public static TheoryData<string> Shapes => [.. OddFiles.All.Keys];

    /// <summary>What the kernel makes of headers that no linker writes.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void AsTheKernelReadsIt(string shape)
    {
        string path = Path.Combine(folder, shape);
        File.WriteAllBytes(path, OddFiles.All[shape]());
        Repository.Run("chmod", "+x", path);
        var (status, output, _) = Repository.RunAny(path);
        foreach (string aot in (string[])["all", "none"])
        {
            var (translated, said, _) = Repository.RunAny(Runners.Build(path, [], aot: aot));
            Assert.Equal((status, output), (translated, said));
        }
    }

    /// <summary>One segment for all (ld -N): code shares pages with what is written all the time, and may be patched just so.</summary>
    [Theory]
    [InlineData("calc")]
    [InlineData("jumps")]
    [InlineData("selfmod", "writable")]
    [InlineData("selfmod", "forks")]
    [InlineData("selfmod", "self")]
    public void WritableText(string guest, params string[] arguments)
    {
        string path = Path.Combine(folder, $"{guest}.writable");
        lock (Building)
            Repository.Run("musl-gcc", "-O2", "-w", "-static", "-Wl,-N", "-Wl,--no-warn-rwx-segments", "-o", path, Path.Combine(Repository.Root, $"tests/guests/{guest}.c"), "-lm");
        Assert.Single(Image.Load(path).Segments, s => s is { IsWritable: true, IsExecutable: true });
        Verify.Same(new($"{guest}.writable.{string.Join('.', arguments)}", path, [], arguments, "", []), [], "");
    }

    /// <summary>One of the guests in the executable of all: the others are what discovery has to guess.</summary>
    [Theory]
    [InlineData("calc")]
    [InlineData("jumps")]
    [InlineData("callbacks")]
    [InlineData("structs")]
    public void Bare(string guest)
    {
        string path = Path.Combine(folder, "all.bare");
        lock (Building)
        {
            string whole = Repository.Run(Script, "all", "musl-O2-static").Trim();
            if (!File.Exists(path) || File.GetLastWriteTimeUtc(path) < File.GetLastWriteTimeUtc(whole)) Strip(whole, path);
        }
        foreach (var row in Cases[guest]) Verify.Same(row with { Id = $"{row.Id}.bare", Guest = path, Name = $"{guest}.bare" }, [], "");
    }

    static string Pack(string guest, string configuration = "musl-O2-static")
    {
        string path = Path.Combine(folder, $"{guest}.packed");
        lock (Building)
        {
            string whole = Repository.Run(Script, guest, configuration).Trim();
            if (!File.Exists(path) || File.GetLastWriteTimeUtc(path) < File.GetLastWriteTimeUtc(whole)) Packer.Pack(whole, path);
        }
        return path;
    }

    static void Compare(string path, string guest, params string[] plugins)
    {
        foreach (var row in Cases[guest]) Verify.Same(row with { Id = $"{row.Id}.packed", Guest = path }, plugins, plugins.Length > 0 ? "+plugins" : "");
    }

    /// <summary>No frame descriptions, no header of theirs, no symbols, no section headers.</summary>
    static void Strip(string program, string to)
    {
        Repository.Run("strip", "-o", to, program);
        var file = File.ReadAllBytes(to);
        foreach (var s in Image.Load(to).Sections.Where(s => s.Name.StartsWith(".eh_frame"))) file.AsSpan((int)s.Offset, (int)s.Size).Clear();
        for (int at = 64, n = 0; n < BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(56)); n++, at += 56)
            if (BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)) == 0x6474e550) file.AsSpan(at, 4).Clear(); // PT_GNU_EH_FRAME
        file.AsSpan(40, 8).Clear();
        file.AsSpan(58, 6).Clear();
        File.WriteAllBytes(to, file);
    }
}
