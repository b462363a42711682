using Emu.Ir;

namespace Emu.Translator.Lowering;

/// <summary>Loads and stores of a block that are not made on their own: the one host instruction that uses or gives the value has it in memory.</summary>
public sealed class Folding
{
    readonly Dictionary<Inst, Inst> users = []; // load to the instruction that makes it
    readonly HashSet<Inst> made = [];
    readonly Dictionary<Inst, Inst> results = []; // store to what it stores
    readonly HashSet<Inst> stored = [];

    public Folding(Block b)
    {
        var uses = new Dictionary<Value, int>();
        foreach (var i in b.Code) foreach (var a in i.Args) if (a is Inst { Op: Op.Load or Op.Host }) uses[a] = uses.GetValueOrDefault(a) + 1;
        for (int n = 0; n < b.Code.Count; n++)
        {
            var i = b.Code[n];
            if (i.Op is not (Op.Load or Op.Host) || uses.GetValueOrDefault(i) != 1 || Next(b.Code, n) is not { } user) continue;
            if ((IsPlain(i, Op.Load) && user.Op == Op.Native || i.Op == Op.Load && user.Op == Op.Host) && user.Args[^1] == i && TakesFromMemory(user, i) && user.Args.SkipLast(1).All(a => a is Const || b.Code.IndexOf((Inst)a, 0, n) >= 0))
            {
                users[i] = user;
                made.Add(user);
            }
            if (i.Op == Op.Host && IsPlain(user, Op.Store) && user.Args[1] == i && AsmOf(i).Constraints.StartsWith("=*m", StringComparison.Ordinal))
            {
                results[user] = i;
                stored.Add(i);
            }
        }
    }

    /// <summary>The host instruction that makes a load; null for a load of its own.</summary>
    public Inst? UserOf(Value load) => load is Inst i ? users.GetValueOrDefault(i) : null;

    /// <summary>Whether a host instruction is made where its operand is loaded: what passes insert after the access comes after it.</summary>
    public bool IsMade(Inst i) => made.Contains(i);

    /// <summary>Whether a host instruction is left to the store of its result.</summary>
    public bool IsStored(Inst i) => stored.Contains(i);

    /// <summary>The host instruction that a store stands for; null for a store of its own.</summary>
    public Inst? Stored(Inst store) => results.GetValueOrDefault(store);

    /// <summary>The assembly of a host instruction.</summary>
    public static NativeAsm AsmOf(Inst i) => i.Detail is Detail.Named n ? Natives.Asm(n.Name, n.Immediate, i.Type, [.. i.Args.Select(a => a.Type)]) : throw new InvalidOperationException(i.Op.Name());

    /// <summary>Natives are VEX instructions, which do not fault where they should be aligned; texts are the guest's own.</summary>
    static bool IsPlain(Inst i, Op access) => i.Op == access && i.Detail is null or Detail.Access { Aligned: false };

    static bool TakesFromMemory(Inst user, Inst load) => user.Op == Op.Host ? AsmOf(user).Operands[^1] == "*m" : Natives.InMemory(AsmOf(user), load.Type) != null;

    /// <summary>The guest's next operation with an effect or of the host: what stands before it may happen before or after.</summary>
    static Inst? Next(List<Inst> code, int at) => code.Skip(at + 1).FirstOrDefault(i => !i.Inserted && (i.Op is Op.Native or Op.Host || i.Op.Row().Effect is not (Effect.None or Effect.ReadReg)));
}
