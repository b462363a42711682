using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>What a block does to transient state: what it may read before writing it, what it surely overwrites, what it may change.</summary>
/// <param name="Expects">What it reads where it may not be there: a system call whose number is not known takes six arguments, and most have fewer.</param>
public readonly record struct BlockEffect(Transient Reads, Transient Expects, Transient Kills, Transient Writes)
{
    /// <summary>What is live before the block when <paramref name="after"/> is live behind it.</summary>
    public Live Before(Live after) => new(Reads | after.Hard & ~Kills, Expects | after.Soft & ~Kills);

    /// <param name="restores">
    /// Whether the region also puts back what its fxsave or xsave stores (a trampoline, a context switch): then saving is no reading, what
    /// is live behind it says enough.
    /// </param>
    public static BlockEffect Of(Block b, bool restores = false)
    {
        Transient reads = 0, expects = 0, kills = 0, writes = 0;
        var partly = new Dictionary<string, uint>(); // bytes written so far
        HashSet<Inst>? kept = null;
        foreach (var i in b.Code) if (Kept(i) is { } get) (kept ??= []).Add(get);
        foreach (var i in b.Code)
        {
            if (kept?.Contains(i) == true) continue;
            if (i.Detail is Detail.Register { Reg: var r })
            {
                uint bytes = (uint)((1ul << i.Printed.Bytes) - 1 << r.Byte), known = partly.GetValueOrDefault(r.Name);
                if (i.Op == Op.Get && (bytes & ~known) != 0) reads |= Transients.Touched(r, i.Printed.Bytes) & ~kills;
                if (i.Op != Op.Set) continue;
                partly[r.Name] = known |= bytes;
                kills |= Transients.Covered(r.Name, known);
                writes |= Transients.Touched(r, i.Printed.Bytes);
                continue;
            }
            reads |= ReadBy(i, restores) & ~kills;
            if (i.Op == Op.Syscall)
            {
                if (NumberIn(b) is { } number) reads |= Transients.KernelTakes(SystemCalls.Arguments(number)) & ~kills;
                else expects |= Transients.KernelTakes(SystemCalls.MostArguments) & ~kills;
            }
            if (Kept(i) is null) kills |= OverwrittenBy(i);
            writes |= OverwrittenBy(i) | (i.Op == Op.Helper ? Transient.All : i.Op == Op.Rep ? Repeated(i) : 0);
        }
        return new(reads, expects, kills, writes);
    }

    /// <summary>What rax is at the end of a block, where its last write there says so.</summary>
    static long? NumberIn(Block b) => b.Code.FindLast(i => i is { Op: Op.Set, Detail: Detail.Register { Reg.Name: "rax" } }) is { Printed.Bytes: 8 } set
        ? set.Args[0] switch { Const c => (long)c.Bits, Inst { Op: Op.Zext, Args: [Const c] } => (long)c.Bits, _ => null }
        : null;

    /// <summary>The old flag in one that stays as it is unless a condition holds (a shift by cl): neither read here nor surely overwritten.</summary>
    static Inst? Kept(Inst i) =>
        i is { Op: Op.SetFlag, Detail: Detail.OneFlag f, Args: [Inst { Op: Op.Select, Args: [_, _, Inst { Op: Op.GetFlag, Detail: Detail.OneFlag old } get] }] } && f == old ? get : null;

    static Transient ReadBy(Inst i, bool restores) => i.Op switch
    {
        Op.Cond or Op.GetFlag or Op.Rflags => (Transient)i.FlagsRead(),
        Op.Rep => Repeated(i),
        Op.Helper => ReadBy(((Detail.Named)i.Detail!).Name, restores),
        _ => 0,
    };

    static Transient OverwrittenBy(Inst i) => i.Op switch
    {
        Op.Flags or Op.SetFlag => (Transient)i.FlagsWritten(),
        Op.Syscall => Transients.KernelResults,
        _ => 0,
    };

    /// <summary>Whether the block puts back a saved vector state.</summary>
    public static bool Restores(Block b) => b.Code.Any(i => i is { Op: Op.Helper, Detail: Detail.Named n } && Image(n.Name) is { IsStore: false });

    /// <summary>The images of vector state, not those of the x87 alone.</summary>
    static StateImage? Image(string helper) => helper.Contains('x') ? StateImage.Of(helper) : null;

    static Transient ReadBy(string helper, bool restores) => helper switch
    {
        "cpuid" => cpuidLeaf,
        "xgetbv" => xgetbvRegister,
        SystemCalls.OldHelper => compatArguments,
        _ when StateImage.Of(helper) != null => Image(helper) is { IsStore: true } && !restores ? Transient.All : imageMask,
        _ => Transient.All,
    };

    static readonly Transient cpuidLeaf = Transients.Of("rax rcx"), xgetbvRegister = Transients.Of("rcx"), imageMask = Transients.Of("rax rdx"), compatArguments = Transients.Of("rax rbx rcx rdx rsi rdi rbp");
    static readonly Transient moved = Transients.Of("rcx rsi rdi"), stored = Transients.Of("rax rcx rdi");

    static Transient Repeated(Inst i) => ((Detail.Named)i.Detail!).Name.StartsWith("movs", StringComparison.Ordinal) ? moved : stored;
}
