using System.Collections.Concurrent;
using Emu.Instrumentation;
using Emu.Translator.Linking;

namespace Emu.Fallback;

/// <summary>Has hot regions made again by LLVM, on a thread of its own: the guest goes on in the first tier meanwhile.</summary>
sealed class Promoter
{
    readonly BlockingCollection<(Version Version, ulong Pc)> hot = [];
    readonly HashSet<(uint Id, ulong Pc)> seen = [];
    readonly RegionStore store;
    readonly Action<Version, ulong> promote;

    /// <param name="promote">Makes and adds the region of a PC in the code of a version.</param>
    public Promoter(RegionStore store, Action<Version, ulong> promote)
    {
        (this.store, this.promote) = (store, promote);
        new Thread(Work) { IsBackground = true }.Start();
    }

    /// <summary>Region <paramref name="id"/> is hot at a PC. The core says so again and again until it has the better one.</summary>
    public void Ask(uint id, ulong pc)
    {
        if (store.ById(id) is { } version && seen.Add((id, pc))) hot.Add((version, pc));
    }

    void Work()
    {
        foreach (var (version, pc) in hot.GetConsumingEnumerable())
        {
            try { promote(version, pc); }
            catch (Exception e) when (e is CacheFullException or TranslationException or PluginException or ToolException or InvalidOperationException or IOException) { } // it stays as it is
        }
    }
}
