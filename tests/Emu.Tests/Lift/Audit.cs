using Emu.Ir;
using Emu.Translator.X86;
using Iced.Intel;
using Xunit;
using Lifter = Emu.Translator.X86.Lift;

namespace Emu.Tests.Lift;

/// <summary>What the IR of every encoding touches, against what Iced's InstructionInfo says that the instruction touches.</summary>
[Collection("host memory")]
public sealed class Audit
{
    [Fact]
    public void Registers_written_are_those_that_iced_lists() => Check((i, f, info) =>
    {
        var mine = Sets(f).Select(Name).Where(IsCounted).ToHashSet();
        var all = Names(info, a => a is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite);
        return mine.SetEquals(all) ? null : $"writes {Show(mine)}; Iced: {Show(all)}";
    });

    [Fact]
    public void Registers_read_are_those_that_iced_lists() => Check((i, f, info) =>
    {
        var mine = f.Blocks.SelectMany(b => b.Code).Where(x => x.Op == Op.Get).Select(Name).Where(IsCounted).ToHashSet();
        var must = Names(info, a => a is OpAccess.Read or OpAccess.ReadWrite or OpAccess.ReadCondWrite);
        // To Iced, writing a vector register's low lane reads the others.
        must.ExceptWith(Sets(f).Where(s => s.Printed.Bytes < 16).Select(Name).Where(n => n[0] == 'y'));
        var may = Names(info, a => a is not (OpAccess.None or OpAccess.NoMemAccess or OpAccess.Write));
        if (i.Mnemonic == Mnemonic.Vzeroupper) must.Clear(); // clearing a half reads the other, to Iced
        if (i.MemorySize is MemorySize.Xsave or MemorySize.Xsave64) must.ExceptWith(["rax", "rdx"]); // by the core
        // x ^ x and its like do not depend on x, and a count of zero reads nothing: the rows need not know.
        bool idiom = i.OpCount >= 2 && i.Op0Kind == OpKind.Register && i.Op1Kind == OpKind.Register && i.GetOpRegister(i.OpCount - 1) == i.GetOpRegister(i.OpCount - 2);
        if (mine.Count == 0 && (idiom || i is { Mnemonic: Mnemonic.Or, Immediate8: 0xff })) must.Clear(); // all ones whatever was there
        return mine.IsSupersetOf(must) && (mine.IsSubsetOf(may) || idiom) || IsKnownZero(i) || Expectation.IsUndefined(i, new()) ? null : $"reads {Show(mine)}; Iced: {Show(must)} to {Show(may)}";
    });

    [Fact]
    public void Flags_are_those_that_iced_lists() => Check((i, f, info) =>
    {
        Flag read = Flag.None, written = Flag.None;
        foreach (var inst in f.Blocks.SelectMany(b => b.Code).Where(x => x.Op != Op.Helper || !IsImage(x))) { read |= inst.FlagsRead() & ~written; written |= inst.FlagsWritten(); }
        Flag modified = Expectation.Map(i.RflagsModified), reads = Expectation.Map(i.RflagsRead), undefined = Expectation.Map(i.RflagsUndefined);
        if ((written & ~undefined) != (modified & ~undefined) || (written & ~modified) != 0) return $"writes {FlagTable.Letters(written)}; Iced: {FlagTable.Letters(modified)}";
        // A flag that stays as it is for some counts is read to be kept.
        if (i.Mnemonic == Mnemonic.Lahf) read &= ~Flag.O; // the operation for pushf reads one more
        return (reads & ~read) == 0 && (read & ~reads & ~modified) == 0 ? null : $"reads {FlagTable.Letters(read)}; Iced: {FlagTable.Letters(reads)}";
    });

    [Fact]
    public void Memory_accesses_are_those_that_iced_lists() => Check((i, f, info) =>
    {
        if (i.HasRepePrefix || i.HasRepnePrefix || i.MemorySize is MemorySize.Xsave or MemorySize.Xsave64 || i.Mnemonic is Mnemonic.Maskmovdqu or Mnemonic.Maskmovq or Mnemonic.Enter) return null;
        if (i.HasLockPrefix && i.Mnemonic == Mnemonic.Neg) return null; // a load to guess from, then cmpxchg
        var mine = f.Blocks.SelectMany(b => b.Code).Where(x => x.Op.Has(Effect.Load | Effect.Store | Effect.Helper)).Sum(Traffic);
        var iced = info.GetUsedMemory().Where(m => m.Access != OpAccess.NoMemAccess).Sum(Traffic) * (i.IsVsib ? GatheredLanes(i) : 1);
        return mine == iced ? null : $"reads {mine >> 16} and writes {mine & 0xffff} bytes; Iced: {iced >> 16} and {iced & 0xffff}";
    });

    [Fact]
    public void Stack_steps_of_the_x87_are_those_that_iced_lists() => Check((i, f, info) =>
    {
        var fpu = i.GetFpuStackIncrementInfo();
        if (!fpu.WritesTop || fpu.Conditional || i.Mnemonic is Mnemonic.Fldenv or Mnemonic.Frstor or Mnemonic.Fninit or Mnemonic.Fnsave) return null;
        var m = new Machine();
        new Inputs(new Dice(1)).Fill(m, i);
        int before = (int)m.State["ftop"];
        m.Interpret(f);
        int step = ((int)m.State["ftop"] - before + 12) % 8 - 4;
        return step == fpu.Increment ? null : $"moves the top by {step}; Iced: {fpu.Increment}";
    });

    /// <summary>Iced lists one lane of a gather.</summary>
    static int GatheredLanes(in Instruction i)
    {
        bool wide = i.Mnemonic.ToString().Replace("Vp", "V", StringComparison.Ordinal)["Vgather".Length] == 'q';
        return Math.Min(i.Op0Register.GetSize() / i.MemorySize.GetSize(), i.MemoryIndex.GetSize() / (wide ? 8 : 4));
    }

    /// <summary>Bytes loaded, times 65536, plus bytes stored.</summary>
    static int Traffic(Inst x) => x.Op switch
    {
        Op.Load => x.Type.Bytes << 16,
        Op.Store => x.Printed.Bytes,
        Op.Helper => StateImage.Of(((Detail.Named)x.Detail!).Name) is { } image ? image.Size << (image.IsStore ? 0 : 16) : 0,
        _ => x.Printed.Bytes * 0x10001,
    };

    static int Traffic(UsedMemory m)
    {
        int size = m.MemorySize.GetSize();
        bool reads = m.Access is not OpAccess.Write and not OpAccess.CondWrite, writes = m.Access is not OpAccess.Read and not OpAccess.CondRead;
        return (reads ? size << 16 : 0) + (writes ? size : 0);
    }

    static bool IsImage(Inst x) => StateImage.Of(((Detail.Named)x.Detail!).Name) != null;

    static IEnumerable<Inst> Sets(Function f) => f.Blocks.SelectMany(b => b.Code).Where(x => x.Op == Op.Set);
    static string Name(Inst x) => ((Detail.Register)x.Detail!).Reg.Name;
    static bool IsCounted(string name) => GuestState.Gprs.Contains(name) || name.StartsWith("ymm", StringComparison.Ordinal);

    static HashSet<string> Names(InstructionInfo info, Func<OpAccess, bool> which) =>
        [.. info.GetUsedRegisters().Where(r => (r.Register.IsGPR() || r.Register.IsVectorRegister()) && which(r.Access)).Select(r => Lifter.Full(r.Register))];

    static string Show(IEnumerable<string> names) => string.Join(' ', names.Order());

    /// <summary>A shift by an immediate 0.</summary>
    static bool IsKnownZero(in Instruction i) => i.OpCount > 1 && i.GetOpKind(i.OpCount - 1) == OpKind.Immediate8;

    delegate string? Rule(in Instruction i, Function f, InstructionInfo info);

    static void Check(Func<Instruction, Function, InstructionInfo, string?> rule)
    {
        var samples = new Samples(new Dice(7));
        var infos = new InstructionInfoFactory();
        var bad = new List<string>();
        foreach (var code in Samples.Codes)
            foreach (bool memory in new[] { false, true })
            {
                if (samples.Make(code, memory) is not var (i, bytes) || IsIdle(i) || !Fuzz.IsLifted(bytes)) continue;
                var f = Machine.Lift(bytes, explodeRep: true);
                bool isCore = f.Blocks.Any(b => b.Code.Any(x => x.Op == Op.Helper));
                if (!isCore && rule(i, f, infos.GetInfo(i)) is { } error) bad.Add($"{i}: {error}");
            }
        Assert.True(bad.Count == 0, $"{bad.Count} encodings differ:\n{string.Join('\n', bad)}");
    }

    /// <summary>What is lifted to nothing: hints and fences.</summary>
    static bool IsIdle(in Instruction i) => i.Mnemonic is Mnemonic.Nop or Mnemonic.Reservednop or Mnemonic.Prefetch or Mnemonic.Prefetchw or Mnemonic.Clflush or Mnemonic.Clflushopt
        or Mnemonic.Prefetcht0 or Mnemonic.Prefetcht1 or Mnemonic.Prefetcht2 or Mnemonic.Prefetchnta or Mnemonic.Rdsspd or Mnemonic.Rdsspq
        or Mnemonic.Prefetchwt1 or Mnemonic.Prefetchit0 or Mnemonic.Prefetchit1 or Mnemonic.Clwb or Mnemonic.Cldemote;
}
