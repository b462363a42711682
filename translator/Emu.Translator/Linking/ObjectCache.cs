using System.Security.Cryptography;
using System.Text;

namespace Emu.Translator.Linking;

/// <summary>Files named by the hash of what they were made from. Safe to share: a file appears whole or not at all.</summary>
/// <param name="version">Names this translator's code: what another one has made is not found, whatever the key.</param>
public sealed class ObjectCache(string directory, string version)
{
    readonly string prefix = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(version)))[..16];

    public string Directory { get; } = System.IO.Directory.CreateDirectory(directory).FullName;

    /// <summary>The path of the object with that key, made when it is not there.</summary>
    public string Get(string key, Func<byte[]> make)
    {
        string path = Path.Combine(Directory, $"{prefix}-{key}.o");
        if (!File.Exists(path)) Write(path, make());
        return path;
    }

    /// <summary>Stores bytes under the hash of themselves.</summary>
    public string Put(string kind, byte[] bytes) =>
        Get($"{kind}-{Convert.ToHexStringLower(SHA256.HashData(bytes))}", () => bytes);

    static void Write(string path, byte[] bytes)
    {
        string partial = $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}";
        File.WriteAllBytes(partial, bytes);
        File.Move(partial, path, overwrite: true);
    }
}
