using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Emu.Fallback;

/// <summary>The socket to the runner: one message at a time, each belonging to a request.</summary>
sealed unsafe class Channel(int socket)
{
    const int Room = 4096, Interrupted = 4, WouldBlock = 11, DontWait = 0x40, NoSignal = 0x4000;

    /// <summary>Requests come one after the other, and to fall asleep and be woken takes longer than to answer one: for this long the next is waited for awake.</summary>
    static readonly TimeSpan awake = TimeSpan.FromMicroseconds(50);

    readonly byte[] bytes = new byte[sizeof(MessageHead) + Room];

    /// <summary>What came with the last message.</summary>
    public ReadOnlySpan<byte> More => bytes.AsSpan(sizeof(MessageHead), (int)Math.Min((uint)Room, MemoryMarshal.Read<MessageHead>(bytes).Size));

    /// <summary>The next message; false when nobody holds the other end any more.</summary>
    public bool Receive(out MessageHead head)
    {
        nint got;
        long since = Stopwatch.GetTimestamp();
        bool sleeps = IsBesides;
        fixed (byte* p = bytes)
            while ((got = recv(socket, p, (nuint)bytes.Length, sleeps ? 0 : DontWait)) < 0 && Marshal.GetLastSystemError() is Interrupted or WouldBlock)
            {
                sleeps = IsBesides || Stopwatch.GetElapsedTime(since) > awake;
                Thread.SpinWait(1);
            }
        head = got >= sizeof(MessageHead) ? MemoryMarshal.Read<MessageHead>(bytes) : default;
        return got >= sizeof(MessageHead);
    }

    /// <summary>Whether the runner was last seen on this processor: it cannot go on while this is awake.</summary>
    bool IsBesides => MemoryMarshal.Read<MessageHead>(bytes).Cpu == (uint)sched_getcpu();

    public void Send(ulong id, MessageKind kind, params ReadOnlySpan<ulong> words) => Send(id, kind, words, []);

    /// <summary>One line that says why there is no answer.</summary>
    public void Error(ulong id, string text)
    {
        var line = Encoding.UTF8.GetBytes(text.Split('\n')[0]);
        Send(id, MessageKind.Error, [], line.AsSpan(0, Math.Min(line.Length, Room - 1)));
    }

    void Send(ulong id, MessageKind kind, ReadOnlySpan<ulong> words, ReadOnlySpan<byte> more)
    {
        Span<byte> message = stackalloc byte[sizeof(MessageHead) + more.Length];
        var head = new MessageHead { Id = id, Kind = kind, Size = (uint)more.Length, Cpu = (uint)sched_getcpu() };
        for (int n = 0; n < words.Length; n++) head.Words[n] = words[n];
        MemoryMarshal.Write(message, head);
        more.CopyTo(message[sizeof(MessageHead)..]);
        fixed (byte* p = message)
            while (send(socket, p, (nuint)message.Length, NoSignal) < 0 && Marshal.GetLastSystemError() == Interrupted) { }
    }

    [DllImport("libc")] static extern nint recv(int socket, byte* to, nuint size, int flags);
    [DllImport("libc")] static extern int sched_getcpu();
    [DllImport("libc")] static extern nint send(int socket, byte* from, nuint size, int flags);
}
