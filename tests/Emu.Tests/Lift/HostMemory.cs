using System.Diagnostics;
using System.Globalization;
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
            File.WriteAllText(source, "bits 64\ndefault abs\n" + text);
            using var nasm = Process.Start(new ProcessStartInfo("nasm", ["-w-all", "-f", "bin", "-o", binary, source]) { RedirectStandardError = true })!;
            string errors = nasm.StandardError.ReadToEnd();
            nasm.WaitForExit();
            if (nasm.ExitCode != 0) throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{errors}\n{text}"));
            return File.ReadAllBytes(binary);
        }
        finally
        {
            File.Delete(source);
            File.Delete(binary);
        }
    }

    [LibraryImport("libc")]
    private static partial ulong mmap(ulong address, ulong size, int protection, int flags, int file, long offset);
}
