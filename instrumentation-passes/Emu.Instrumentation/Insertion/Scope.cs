namespace Emu.Instrumentation;

/// <summary>Which guest code the plugins of a runner are shown, all of them (<c>--only</c>, <c>--exclude</c>); exclude wins. By address: names are looked up once, at the build.</summary>
public sealed record Scope(IReadOnlyList<ScopePart> Only, IReadOnlyList<ScopePart> Exclude)
{
    public static readonly Scope Everything = new([], []);

    /// <summary>Whether an instruction at that address is shown.</summary>
    public bool Covers(ulong address) => (Only.Count == 0 || Only.Any(p => p.Has(address))) && !Exclude.Any(p => p.Has(address));

    /// <summary>Whether some of that code may be shown.</summary>
    public bool Touches(AddressRange code) =>
        (Only.Count == 0 || Only.Any(p => p.Ranges.Any(r => r.From < code.To && code.From < r.To))) && !Exclude.Any(p => p.Ranges.Any(r => r.From <= code.From && code.To <= r.To));

    /// <summary>As the command line says it; empty for everything.</summary>
    public override string ToString() => string.Join(' ', Only.Select(p => $"--only {p.Text}").Concat(Exclude.Select(p => $"--exclude {p.Text}")));
}

/// <summary>One word after <c>--only</c> or <c>--exclude</c>, and what it names.</summary>
public sealed record ScopePart(string Text, IReadOnlyList<AddressRange> Ranges)
{
    internal bool Has(ulong address)
    {
        foreach (var r in Ranges) if (r.Has(address)) return true;
        return false;
    }
}
