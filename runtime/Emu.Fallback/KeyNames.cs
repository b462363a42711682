using System.Text;
using Emu.Instrumentation;
using Emu.Translator;

namespace Emu.Fallback;

/// <summary>Names of counters' keys that the runner does not know yet, in the data file's form (runtime/core/fallback.h).</summary>
sealed class KeyNames(Pipeline pipeline, Meta? meta)
{
    readonly HashSet<(int Array, ulong Key)> known = [.. meta?.Arrays.SelectMany(a => a.Labels.Select(l => (a.Id, l.Key))) ?? []];

    /// <summary>Those that came up since the last call.</summary>
    public byte[] Fresh()
    {
        var bytes = new MemoryStream();
        using var to = new BinaryWriter(bytes);
        var labels = pipeline.Labels;
        for (int array = 0; array < labels.Count; array++)
            foreach (var (key, text) in labels[array])
            {
                if (!known.Add((array, key))) continue;
                byte[] name = Encoding.UTF8.GetBytes(text);
                to.Write(array);
                to.Write(name.Length);
                to.Write(key);
                to.Write(name);
            }
        return bytes.ToArray();
    }
}
