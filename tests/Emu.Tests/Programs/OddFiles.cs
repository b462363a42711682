using System.Buffers.Binary;

namespace Emu.Tests.Programs;

/// <summary>ELF files as only the kernel reads them: each says its line and ends with 0, or dies as natively.</summary>
static class OddFiles
{
    const int Header = 64, ProgramHeader = 56, Page = 4096;
    const ulong Base = 0x400000;
    const uint Executable = 5, Writable = 6;

    sealed record Segment(uint Flags, ulong Offset, ulong Address, ulong FileSize, ulong MemorySize);

    public static readonly IReadOnlyDictionary<string, Func<byte[]>> All = new Dictionary<string, Func<byte[]>>
    {
        ["overlapping"] = Overlapping, ["past-end"] = PastEnd, ["touches-past-end"] = TouchesPastEnd, ["bad-sections"] = BadSections, ["no-code-any-more"] = NoCodeAnyMore, ["tail"] = Tail,
    };

    /// <summary>Of the second page the later segment is what counts.</summary>
    public static byte[] Overlapping()
    {
        var file = File(Base + Page, 3 * Page, [new(Executable, 0, Base, 2 * Page, 2 * Page), new(Executable, 2 * Page, Base + Page, Page, Page)]);
        file.AsSpan(Page, 16).Fill(0x0f); // no code
        Put(file, 2 * Page, Says(Base + Page + 0x100));
        Put(file, 2 * Page + 0x100, "later wins\n"u8);
        return file;
    }

    /// <summary>A segment that goes on behind the end of the file, where nobody looks.</summary>
    static byte[] PastEnd() => Plain([new(Writable, 0, 0x600000, 9 * Page, 9 * Page)]);

    /// <summary>SIGBUS.</summary>
    static byte[] TouchesPastEnd()
    {
        var file = PastEnd();
        Put(file, 0x200, [0x8a, 0x04, 0x25, 0x00, 0x30, 0x60, 0x00]); // mov al, [0x603000]
        return file;
    }

    static byte[] BadSections()
    {
        var file = Plain([]);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(40), 0x123456789);
        foreach (int at in (int[])[58, 60, 62]) BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), 64);
        return file;
    }

    /// <summary>Data takes the page of a function's code: it cannot be called.</summary>
    static byte[] NoCodeAnyMore()
    {
        var file = File(Base + Page, 3 * Page, [new(Executable, 0, Base, 2 * Page, 2 * Page), new(Writable, 0xa00, Base + 0xa00, 0x10, 0x10)]);
        file[0x800] = 0xc3;
        Put(file, Page, [0xb8, 0x00, 0x08, 0x40, 0x00, 0xff, 0xd0, .. Says(Base + Page + 0x100)]); // mov eax, 0x400800; call rax
        Put(file, Page + 0x100, "called\n"u8);
        return file;
    }

    /// <summary>Behind the file's last byte its page is zero.</summary>
    static byte[] Tail()
    {
        var file = Plain([]);
        Array.Resize(ref file, 0x340);
        Put(file, 0x200, [0xa0, 0x00, 0x08, 0x40, 0, 0, 0, 0, 0, 0x84, 0xc0, 0x74, 0x02, 0x0f, 0x0b, .. Says(Base + 0x300)]); // mov al, [0x400800]; test al, al; jz + 2; ud2
        return file;
    }

    static byte[] Plain(Segment[] more)
    {
        var file = File(Base + 0x200, Page, [new(Executable, 0, Base, 0x340, 0x340), .. more]);
        Put(file, 0x200, [0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, .. Says(Base + 0x300)]);
        Put(file, 0x300, "here I am\n"u8);
        return file;
    }

    /// <summary>write(1, address, 7); exit(0)</summary>
    static byte[] Says(ulong address) =>
        [0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0xbe, .. BitConverter.GetBytes((uint)address), 0xba, 7, 0, 0, 0, 0x0f, 0x05, 0xb8, 0x3c, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];

    static void Put(byte[] file, int at, ReadOnlySpan<byte> bytes) => bytes.CopyTo(file.AsSpan(at));

    static byte[] File(ulong entry, int size, Segment[] segments)
    {
        var file = new byte[size];
        using var to = new BinaryWriter(new MemoryStream(file));
        to.Write([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, .. new byte[9]]);
        foreach (ushort half in (ushort[])[2, 62, 1, 0]) to.Write(half); // ET_EXEC, EM_X86_64, version
        foreach (ulong word in (ulong[])[entry, Header, 0]) to.Write(word);
        to.Write(0);
        foreach (int half in (int[])[Header, ProgramHeader, segments.Length, 0, 0, 0]) to.Write((ushort)half);
        foreach (var s in segments)
        {
            to.Write(1u); // PT_LOAD
            to.Write(s.Flags);
            foreach (ulong word in (ulong[])[s.Offset, s.Address, s.Address, s.FileSize, s.MemorySize, Page]) to.Write(word);
        }
        return file;
    }
}
