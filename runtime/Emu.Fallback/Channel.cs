using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Emu.Fallback;

/// <summary>The ways to the runners, their socket and <see cref="Boxes"/>: one message at a time, each belonging to a request.</summary>
sealed unsafe class Channel(int socket)
{
    const int Room = 4096, Interrupted = 4, WouldBlock = 11, DontWait = 0x40, NoSignal = 0x4000, Socket = -1;

    /// <summary>How long a request is waited for awake: they come one after the other, and to fall asleep and be woken takes longer than to answer one.</summary>
    static readonly TimeSpan awake = TimeSpan.FromMicroseconds(50);

    /// <summary>How long an answer is waited for: the service is not told when who has a box is killed.</summary>
    static readonly TimeSpan patience = TimeSpan.FromSeconds(10);

    readonly byte[] bytes = new byte[sizeof(MessageHead) + Room];
    Boxes? boxes;

    /// <summary>Where the last message came from, and answers go: a box, or the socket.</summary>
    int from = Socket;

    /// <summary>What came with the last message.</summary>
    public ReadOnlySpan<byte> More => bytes.AsSpan(sizeof(MessageHead), (int)Math.Min((uint)Room, MemoryMarshal.Read<MessageHead>(bytes).Size));

    /// <summary>Boxes are looked into from now on.</summary>
    public void Watch(Boxes with) => boxes = with;

    /// <summary>The next message; false when nobody holds the other end of the socket any more.</summary>
    public bool Receive(out MessageHead head)
    {
        for (long since = Stopwatch.GetTimestamp(); ; Pause(since))
        {
            if (boxes?.Asking() is { } box and >= 0) return Take(box, out head);
            bool sleeps = boxes is not { AnyTaken: true } && (IsBesides || Stopwatch.GetElapsedTime(since) > awake);
            if (TryReceive(sleeps) is { } isThere) return Received(isThere, out head);
        }
    }

    /// <summary>The next message from where the last one came from; false when there is none.</summary>
    public bool ReceiveMore(out MessageHead head)
    {
        for (long since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < patience; Pause(since))
        {
            if (from != Socket && boxes!.Asks(from)) return Take(from, out head);
            bool sleeps = boxes is not { AnyTaken: true } && (IsBesides || Stopwatch.GetElapsedTime(since) > awake);
            if (from == Socket && TryReceive(sleeps) is { } isThere) return Received(isThere, out head);
        }
        head = default;
        return false;
    }

    bool Take(int box, out MessageHead head)
    {
        from = box;
        boxes!.Read(box, bytes, h => h.Kind != MessageKind.Promote);
        return Received(isThere: true, out head);
    }

    bool Received(bool isThere, out MessageHead head)
    {
        head = isThere ? MemoryMarshal.Read<MessageHead>(bytes) : default;
        return isThere;
    }

    /// <summary>Whether a message has come through the socket, false where none will; null: not yet.</summary>
    bool? TryReceive(bool sleeps)
    {
        nint got;
        fixed (byte* p = bytes) got = recv(socket, p, (nuint)bytes.Length, sleeps ? 0 : DontWait);
        if (got < 0 && Marshal.GetLastSystemError() is Interrupted or WouldBlock) return null;
        from = Socket;
        return got >= sizeof(MessageHead);
    }

    /// <summary>A box is looked into less often the longer nothing has come.</summary>
    void Pause(long since)
    {
        var idle = Stopwatch.GetElapsedTime(since);
        if (idle <= awake || boxes is not { AnyTaken: true }) Thread.SpinWait(1);
        else usleep(idle.TotalMilliseconds < 100 ? 100u : idle.TotalSeconds < 10 ? 1000u : 5000u);
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
        if (from != Socket) boxes!.Answer(from, message);
        else SendThroughSocket(message);
    }

    void SendThroughSocket(ReadOnlySpan<byte> message)
    {
        fixed (byte* p = message)
            while (send(socket, p, (nuint)message.Length, NoSignal) < 0 && Marshal.GetLastSystemError() == Interrupted) { }
    }

    [DllImport("libc")] static extern nint recv(int socket, byte* to, nuint size, int flags);
    [DllImport("libc")] static extern int sched_getcpu();
    [DllImport("libc")] static extern nint send(int socket, byte* from, nuint size, int flags);
    [DllImport("libc")] static extern int usleep(uint microseconds);
}
