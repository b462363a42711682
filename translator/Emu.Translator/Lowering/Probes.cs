using System.Security.Cryptography;
using System.Text;
using Emu.Instrumentation;
using Emu.Translator.Linking;

namespace Emu.Translator.Lowering;

/// <summary>Plugins' C files, compiled by clang.</summary>
public static class Probes
{
    static readonly string[] flags = ["-std=gnu17", "-O2", "-march=x86-64-v3", "-fno-pie", "-fno-stack-protector"];

    /// <summary>The objects that define the probes, each file once.</summary>
    public static IEnumerable<string> Compile(IReadOnlyList<ProbeInfo> probes, ObjectCache cache) => [.. probes.Select(p => p.File).Distinct().Select(file => Object(file, cache))];

    static string Object(string file, ObjectCache cache)
    {
        string include = Path.Combine(AppContext.BaseDirectory, "include");
        // What the preprocessor gives is what the object depends on.
        string source = Tool.Run("clang-19", [.. flags, "-I", include, "-E", file]);
        string key = "probe-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source)));
        return cache.Get(key, () =>
        {
            string output = Path.Combine(cache.Directory, $"{key}.{Environment.ProcessId}.tmp");
            Tool.Run("clang-19", [.. flags, "-I", include, "-c", file, "-o", output]);
            byte[] bytes = File.ReadAllBytes(output);
            File.Delete(output);
            return bytes;
        });
    }
}
