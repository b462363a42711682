using Emu.Translator.Discovery;

namespace Emu.Translator.Passes;

/// <summary>The roots in the middle of functions: labels whose address was taken (computed goto, tables in assembly).</summary>
sealed class Owners
{
    readonly ulong[] starts;
    readonly ILookup<ulong, ulong> inside;

    public Owners(IEnumerable<Root> roots)
    {
        var byPlace = roots.ToLookup(r => (r.Reason & RootReason.Inside) != 0, r => r.Address);
        starts = [.. byPlace[false].Order()];
        inside = byPlace[true].ToLookup(Of);
    }

    /// <summary>Those in the function that an address is in.</summary>
    public IEnumerable<ulong> Inside(ulong pc) => inside[Of(pc)];

    ulong Of(ulong pc)
    {
        int n = Array.BinarySearch(starts, pc);
        return n >= 0 ? pc : ~n > 0 ? starts[~n - 1] : 0;
    }
}
