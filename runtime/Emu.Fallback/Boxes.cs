using System.Runtime.InteropServices;

namespace Emu.Fallback;

/// <summary>
/// Messages of runners that may not use the socket any more: each has a box in shared memory, where a message and then its answer lie.
/// Nobody is woken, so both sides look again and again.
/// </summary>
sealed unsafe class Boxes
{
    /// <summary>enum box_state: what is in a box, and whose turn it is.</summary>
    enum State { Empty, Asks, IsRead, Answers }

    const int StateAt = 0, IsTakenAt = 4, HeadAt = 8;

    readonly byte* notes;

    /// <param name="file">The descriptor of the shared memory.</param>
    /// <param name="offset">Where in it the cache ends.</param>
    public Boxes(int file, ulong offset)
    {
        const int readWrite = 3, shared = 1;
        notes = (byte*)mmap(0, Protocol.NotesRoom, readWrite, shared, file, (nint)offset);
        if ((nint)notes == -1) throw new TranslationException("cannot map its boxes");
    }

    int Used => (int)Math.Min(Volatile.Read(ref *(uint*)notes), Protocol.Boxes);

    byte* At(int box) => notes + Protocol.BoxesAt + box * Protocol.BoxRoom;

    ref int StateOf(int box) => ref *(int*)(At(box) + StateAt);

    /// <summary>Whether somebody has one.</summary>
    public bool AnyTaken
    {
        get
        {
            for (int n = 0; n < Used; n++) if (Volatile.Read(ref *(int*)(At(n) + IsTakenAt)) != 0) return true;
            return false;
        }
    }

    /// <summary>A box with a message, -1: none.</summary>
    public int Asking()
    {
        for (int n = 0; n < Used; n++) if (Asks(n)) return n;
        return -1;
    }

    public bool Asks(int box) => Volatile.Read(ref StateOf(box)) == (int)State.Asks;

    /// <summary>Copies the message; after one that needs no answer the box is empty.</summary>
    public void Read(int box, Span<byte> to, Func<MessageHead, bool> isAnswered)
    {
        new ReadOnlySpan<byte>(At(box) + HeadAt, to.Length).CopyTo(to);
        Volatile.Write(ref StateOf(box), (int)(isAnswered(MemoryMarshal.Read<MessageHead>(to)) ? State.IsRead : State.Empty));
    }

    public void Answer(int box, ReadOnlySpan<byte> message)
    {
        message.CopyTo(new(At(box) + HeadAt, message.Length));
        Volatile.Write(ref StateOf(box), (int)State.Answers);
    }

    [DllImport("libc")] static extern nint mmap(nint at, nuint size, int protection, int flags, int file, nint offset);
}
