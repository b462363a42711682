using System.Runtime.InteropServices;

namespace Emu.Llvm.Generate;

/// <summary>The C functions to bind: one or more names a line, <c>#</c> starts a comment.</summary>
static class Allowlist
{
    public static HashSet<string> Read(string path) =>
        [.. File.ReadLines(path)
            .Select(line => line.Split('#')[0])
            .SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(name => "LLVM" + name)];
}

/// <summary>The shared library the binding loads; a header may declare what it does not export.</summary>
static class Library
{
    public const string Name = "libLLVM.so.19.1";

    static readonly nint handle = NativeLibrary.Load(Name);

    public static bool Exports(string function) => NativeLibrary.TryGetExport(handle, function, out _);
}
