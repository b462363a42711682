using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Emu.Tests.Lift;

/// <summary>Executable and plain memory at fixed addresses below 2 GiB, so that stubs reach all of it without a register.</summary>
static unsafe partial class HostMemory
{
    /// <summary>Stub code and its data; the native executor's stubs; the memory that guest instructions touch.</summary>
    public const ulong Stub = 0x1000_0000, Slot = Stub + 0x1000, Data = Stub + 0x4000, Natives = 0x1100_0000, Scratch = 0x1200_0000;
    public const int NativesSize = 0x100_0000, ScratchSize = 0x4000;

    static HostMemory()
    {
        Map(Stub, 0x8000);
        Map(Natives, NativesSize);
        Map(Scratch, ScratchSize);
    }

    static void Map(ulong at, int size)
    {
        const int ReadWriteExecute = 7, PrivateAnonymousFixedNoReplace = 0x100022;
        if (mmap(at, (ulong)size, ReadWriteExecute, PrivateAnonymousFixedNoReplace, -1, 0) != at) throw new InvalidOperationException($"0x{at:x} is taken");
    }

    public static Span<byte> At(ulong address, int size) => new((void*)address, size);
    public static void Call(ulong address) => ((delegate* unmanaged<void>)address)();

    /// <summary>Assembles Intel syntax; a text nasm refuses is an error with nasm's own message.</summary>
    public static byte[] Assemble(string text)
    {
        string source = Path.GetTempFileName(), binary = source + ".bin";
        try
        {
            text = "bits 64\ndefault abs\n" + text;
            File.WriteAllText(source, text);
            using var nasm = Process.Start(new ProcessStartInfo("nasm", ["-w-all", "-f", "bin", "-o", binary, source]) { RedirectStandardError = true })!;
            string errors = nasm.StandardError.ReadToEnd();
            nasm.WaitForExit();
            if (nasm.ExitCode != 0) throw new FormatException(string.Join('\n', errors.Split('\n').Select(e => Quote(e, text.Split('\n')))));
            return File.ReadAllBytes(binary);
        }
        finally
        {
            File.Delete(source);
            File.Delete(binary);
        }
    }

    /// <summary>An error of nasm ("file:line: error: ...") with the line that it is about.</summary>
    static string Quote(string error, string[] lines) =>
        error.Split(':') is [_, var n, _, ..] && int.TryParse(n, out int line) && line <= lines.Length ? $"{lines[line - 1]}: {error}" : error;

    [LibraryImport("libc")]
    private static partial ulong mmap(ulong address, ulong size, int protection, int flags, int file, long offset);
}
