using System.Buffers.Binary;
using System.Text;

namespace Emu.Tests.Oracle;

/// <summary>Registers before one step of a native program: rip, rflags, rax rcx rdx rbx rsp rbp rsi rdi r8..r15, fsbase, gsbase.</summary>
public sealed record Step(ulong Rip, ulong Rflags, ulong[] Gpr, ulong FsBase, ulong GsBase)
{
    public const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7;
}

/// <summary>What tests/oracle/steptrace wrote: all steps of a program and how it ended (format: steptrace.c).</summary>
public sealed record StepLog(IReadOnlyList<Step> Steps, bool Exited, int Status)
{
    const int HeaderSize = 32, RecordSize = 160;

    public static StepLog Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < HeaderSize || Encoding.Latin1.GetString(bytes, 0, 8) != "EMUSTEP\u0001")
            throw new InvalidDataException($"{path} is no step log");
        var count = (int)Word(bytes, 8);
        if (bytes.Length != HeaderSize + count * RecordSize)
            throw new InvalidDataException($"{path} is cut off");
        var steps = new Step[count];
        for (var i = 0; i < count; i++)
            steps[i] = Record(bytes, HeaderSize + i * RecordSize);
        return new(steps, Exited: Word(bytes, 16) == 1, (int)Word(bytes, 24));
    }

    static Step Record(byte[] bytes, int at)
    {
        var gpr = new ulong[16];
        for (var i = 0; i < 16; i++)
            gpr[i] = Word(bytes, at + 16 + 8 * i);
        return new(Word(bytes, at), Word(bytes, at + 8), gpr, Word(bytes, at + 144), Word(bytes, at + 152));
    }

    static ulong Word(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
}
