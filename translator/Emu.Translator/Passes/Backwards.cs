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

    /// <summary>Whether a region reads what the psABI passes to no function, flags or r11, before it writes it.</summary>
    public static Reading ReadsUnpassed(Function f)
    {
        var unpassed = Transient.Flags | Transients.Of("r11");
        var effects = f.Blocks.ToDictionary(b => b.Label, b => BlockEffect.Of(b));
        var live = f.Blocks.ToDictionary(b => b.Label, _ => default(Live));
        Solve(f, effects, live, b => Inside(b).Aggregate(default(Live), (all, to) => all | live.GetValueOrDefault(to)));
        var may = live[f.Blocks[0].Label].All & unpassed;
        return may == 0 ? Reading.Never : (may & Always(f, effects, may)) != 0 ? Reading.Always : Reading.Perhaps;
    }

    /// <summary>What a region reads before it writes it whichever way it goes: a greatest fixpoint.</summary>
    static Transient Always(Function f, Dictionary<Label, BlockEffect> effects, Transient most)
    {
        var before = f.Blocks.ToDictionary(b => b.Label, _ => most);
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int n = f.Blocks.Count - 1; n >= 0; n--)
            {
                var b = f.Blocks[n];
                var behind = Inside(b).Any() ? Inside(b).Aggregate(most, (all, to) => all & before.GetValueOrDefault(to)) : 0;
                var now = effects[b.Label].Reads | behind & ~effects[b.Label].Kills;
                changed |= now != before[b.Label];
                before[b.Label] = now;
            }
        }
        return before[f.Blocks[0].Label];
    }

    /// <summary>Where a block goes on with the state that it leaves: not behind a call.</summary>
    static IEnumerable<Label> Inside(Block b) => b.Terminator.Op == Op.CallTo ? [] : b.Terminator.Successors();
}

/// <summary>Whether something is read: a variable that is set and read under one condition only seems to be.</summary>
public enum Reading { Never, Perhaps, Always }
