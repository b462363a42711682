using System.Buffers.Binary;
using Emu.Translator.Elf;

namespace Emu.Tests.Programs;

/// <summary>
/// Makes packed programs, as UPX does: the segments are compressed, and a stub (unpack.c) puts them where they belong before the program
/// begins. What is in the file is the stub alone, in a segment behind the space that the program will have; there are no sections.
/// </summary>
static class Packer
{
    /// <summary>Where the stub is, above every program.</summary>
    public const ulong Base = 0x10000000;

    const ulong Stub = Base + 0x1000, Packed = Base + 0x2000;
    const int ElfHeader = 64, ProgramHeader = 56;

    /// <summary>Packs a static executable that has fixed addresses.</summary>
    public static void Pack(string program, string to)
    {
        var image = Image.Load(program, 0);
        var packed = Payload(image);
        var file = new byte[Packed - Base + (ulong)packed.Length];
        StubCode().CopyTo(file, (int)(Stub - Base));
        packed.CopyTo(file, (int)(Packed - Base));
        var original = image.File.Span;
        original[..ElfHeader].CopyTo(file);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(24), Stub); // entry
        file.AsSpan(40, 8).Clear(); // no section headers
        file.AsSpan(58, 6).Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), 2); // program headers
        ulong from = image.Segments.Min(s => s.Address) & ~4095ul, end = image.Segments.Max(s => s.Address + s.Size);
        Load(file.AsSpan(ElfHeader), flags: 6, from, 0, end - from);
        Load(file.AsSpan(ElfHeader + ProgramHeader), flags: 5, Base, (ulong)file.Length, (ulong)file.Length);
        File.WriteAllBytes(to, file);
        Repository.Run("chmod", "+x", to);
    }

    static void Load(Span<byte> header, uint flags, ulong address, ulong fileSize, ulong size)
    {
        ulong[] words = [1 | (ulong)flags << 32, 0, address, address, fileSize, size, 4096];
        for (int n = 0; n < words.Length; n++) BinaryPrimitives.WriteUInt64LittleEndian(header[(8 * n)..], words[n]);
    }

    static byte[] StubCode()
    {
        string source = Path.Combine(Repository.Root, "tests/Emu.Tests/Programs/unpack.c"), made = Path.Combine(Repository.Work("packed"), "stub");
        Repository.Run("gcc", "-O1", "-nostdlib", "-static", "-no-pie", "-fno-pie", "-ffreestanding", "-fno-stack-protector", "-fcf-protection=none",
            $"-DPACKED=0x{Packed:x}", $"-Wl,-Ttext=0x{Stub:x}", "-o", made, source);
        Repository.Run("objcopy", "-O", "binary", "-j", ".text", made, made + ".text");
        return File.ReadAllBytes(made + ".text");
    }

    static byte[] Payload(Image image)
    {
        var bytes = new MemoryStream();
        using var to = new BinaryWriter(bytes);
        var header = image.File.Span;
        ulong headers = image.Segments.Min(s => s.Address) + BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        foreach (ulong word in (ulong[])[image.Entry, headers, BinaryPrimitives.ReadUInt16LittleEndian(header[56..]), (ulong)image.Segments.Count]) to.Write(word);
        foreach (var s in image.Segments)
            foreach (ulong word in (ulong[])[s.Address, s.Size, (ulong)s.Bytes.Length, 1u | (s.IsWritable ? 2u : 0) | (s.IsExecutable ? 4u : 0)]) to.Write(word);
        foreach (var s in image.Segments) Compress(s.Bytes.Span, to);
        return bytes.ToArray();
    }

    /// <summary>The form that `expand` in unpack.c reads; what four bytes began last is tried.</summary>
    static void Compress(ReadOnlySpan<byte> from, BinaryWriter to)
    {
        var last = new Dictionary<uint, int>();
        int literal = 0, at = 0;
        while (at + 4 <= from.Length)
        {
            uint key = BinaryPrimitives.ReadUInt32LittleEndian(from[at..]);
            bool found = last.TryGetValue(key, out int before) && at - before <= ushort.MaxValue;
            last[key] = at;
            if (!found) { at++; continue; }
            int length = from[before..].CommonPrefixLength(from[at..Math.Min(from.Length, at + 130)]);
            Literals(from[literal..at], to);
            to.Write((byte)(128 + length - 3));
            to.Write((ushort)(at - before));
            literal = at += length;
        }
        Literals(from[literal..], to);
    }

    static void Literals(ReadOnlySpan<byte> bytes, BinaryWriter to)
    {
        for (; bytes.Length > 0; bytes = bytes[Math.Min(128, bytes.Length)..])
        {
            to.Write((byte)(Math.Min(128, bytes.Length) - 1));
            to.Write(bytes[..Math.Min(128, bytes.Length)]);
        }
    }
}
