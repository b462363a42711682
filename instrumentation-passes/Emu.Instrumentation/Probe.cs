using System.Runtime.CompilerServices;

namespace Emu.Instrumentation;

/// <summary>A C function that runs at a site, compiled into the runner and inlined where it is small. Every argument is a uint64_t.</summary>
public sealed class Probe
{
    readonly string source;

    Probe(string file, string function, string source) => (File, Function, this.source) = (file, function, source);

    /// <summary>The C file as the pass named it.</summary>
    public string File { get; }

    /// <summary>The C function's name.</summary>
    public string Function { get; }

    /// <summary>A function of a C file that lies beside the pass: beside its assembly or its source.</summary>
    public static Probe FromC(string file, string function, [CallerFilePath] string source = "") => new(file, function, source);

    /// <summary>The C file's path; <see cref="PluginException"/> where there is none.</summary>
    internal string Locate(InstrumentationPass pass)
    {
        string assembly = pass.GetType().Assembly.Location; // "": part of a native program
        string?[] folders = [pass.Folder, assembly == "" ? AppContext.BaseDirectory : Path.GetDirectoryName(assembly), Path.GetDirectoryName(source)];
        var paths = folders.Where(f => f is { Length: > 0 }).Select(f => Path.GetFullPath(File, Path.GetFullPath(f!))).Distinct().ToArray();
        return paths.FirstOrDefault(System.IO.File.Exists) ?? throw new PluginException($"probe {Function}: no file {string.Join(" or ", paths)}");
    }
}
