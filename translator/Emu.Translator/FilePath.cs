using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Emu.Translator;

/// <summary>
/// Paths are bytes to the kernel and need not be UTF-8. In strings, a byte that is not part of a UTF-8 character is the lone
/// surrogate U+DC00 plus the byte, as in Python's "surrogateescape".
/// </summary>
public static unsafe class FilePath
{
    const char Escape = '\udc00';

    /// <summary>The path's bytes, with a zero at the end.</summary>
    public static byte[] Bytes(string path)
    {
        var bytes = new List<byte>(path.Length + 1);
        foreach (var rune in Runes(path)) bytes.AddRange(rune);
        bytes.Add(0);
        return [.. bytes];
    }

    static IEnumerable<byte[]> Runes(string path)
    {
        for (int at = 0; at < path.Length;)
        {
            bool whole = Rune.TryGetRuneAt(path, at, out var rune);
            yield return whole ? Encoding.UTF8.GetBytes(rune.ToString()) : [(byte)(path[at] - Escape)];
            at += whole ? rune.Utf16SequenceLength : 1;
        }
    }

    /// <summary>The string for a path's bytes.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            bool whole = Rune.DecodeFromUtf8(bytes, out var rune, out int length) == System.Buffers.OperationStatus.Done;
            if (whole) text.Append(rune.ToString());
            else text.Append((char)(Escape + bytes[0]));
            bytes = bytes[(whole ? length : 1)..];
        }
        return text.ToString();
    }

    /// <summary>A path without links; null: it names nothing.</summary>
    public static string? Real(string path)
    {
        byte* real;
        fixed (byte* name = Bytes(path)) real = realpath(name, null);
        if (real == null) return null;
        string text = Of(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(real));
        free(real);
        return text;
    }

    /// <summary>The file's contents; <see cref="IOException"/> and its like as <see cref="File.ReadAllBytes(string)"/>, which knows UTF-8 only.</summary>
    public static byte[] ReadAllBytes(string path)
    {
        using var file = OpenRead(path);
        byte[] bytes = new byte[RandomAccess.GetLength(file)];
        for (int at = 0; at < bytes.Length;)
            if (RandomAccess.Read(file, bytes.AsSpan(at), at) is > 0 and var size) at += size;
            else throw new IOException($"{Printable(path)} became shorter");
        return bytes;
    }

    /// <summary>Opens a file as <see cref="File.OpenHandle"/> does, which knows UTF-8 only.</summary>
    public static SafeFileHandle OpenRead(string path)
    {
        if (Printable(path) == path) return File.OpenHandle(path);
        const int closeOnExec = 0x80000;
        int descriptor;
        fixed (byte* name = Bytes(path)) descriptor = open(name, closeOnExec);
        return descriptor >= 0 ? new(descriptor, ownsHandle: true) : throw new IOException($"{Printable(path)} cannot be opened");
    }

    /// <summary>The path for messages and files of text: what is not UTF-8 is U+FFFD.</summary>
    public static string Printable(string path) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(path));

    [DllImport("libc.so.6")] static extern int open(byte* path, int flags);
    [DllImport("libc.so.6")] static extern byte* realpath(byte* path, byte* resolved);
    [DllImport("libc.so.6")] static extern void free(void* memory);
}
