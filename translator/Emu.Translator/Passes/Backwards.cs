using Emu.Ir;

namespace Emu.Translator.Passes;

/// <summary>Liveness inside one region.</summary>
static class Backwards
{
    /// <summary>Fills in what is live before each block, from below, until nothing changes; <paramref name="behind"/> says what is live behind a block.</summary>
    public static void Solve(Function f, IReadOnlyDictionary<Label, BlockEffect> effects, Dictionary<Label, Live> before, Func<Block, Live> behind)
    {
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int n = f.Blocks.Count - 1; n >= 0; n--)
            {
                var b = f.Blocks[n];
                var now = effects[b.Label].Before(behind(b));
                if (now == before[b.Label]) continue;
                before[b.Label] = now;
                changed = true;
            }
        }
    }

    /// <summary>What a region may read before it writes it, as far as its own code tells.</summary>
    public static Transient Reads(Function f)
    {
        var before = f.Blocks.ToDictionary(b => b.Label, _ => default(Live));
        Solve(f, f.Blocks.ToDictionary(b => b.Label, b => BlockEffect.Of(b)), before,
            b => b.Terminator.Op == Op.CallTo ? default : b.Terminator.Successors().Aggregate(default(Live), (live, to) => live | before.GetValueOrDefault(to)));
        return before[f.Blocks[0].Label].All;
    }
}

/// <summary>The guest's stack pointer.</summary>
static class Stack
{
    /// <summary>Whether rsp becomes something that is not computed from rsp or rbp: another stack.</summary>
    public static bool IsSwitched(Block b) => b.Code.Any(i => i is { Op: Op.Set, Detail: Detail.Register { Reg.Name: "rsp" } } && !IsOfStack(i.Args[0]));

    static bool IsOfStack(Value v) => v is Inst i && i.Op switch
    {
        Op.Get => i.Detail is Detail.Register { Reg.Name: "rsp" or "rbp" },
        Op.Add or Op.And => IsOfStack(i.Args[0]) || IsOfStack(i.Args[1]),
        Op.Sub => IsOfStack(i.Args[0]),
        _ => false,
    };
}
