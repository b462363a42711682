using System.Runtime.InteropServices;
using System.Text;

namespace Emu.Cli.Running;

/// <summary>
/// Standard input, output and error as plain descriptors. .NET's console would set up the terminal, which belongs to the guest. A reader that
/// has gone away is no error.
/// </summary>
sealed unsafe class Output(int descriptor) : Stream
{
    /// <summary>Makes <see cref="Console"/>'s writers use them.</summary>
    public static void TakeConsole()
    {
        Console.SetOut(Writer(1, flush: false));
        Console.SetError(Writer(2, flush: true));
    }

    static StreamWriter Writer(int descriptor, bool flush) => new(new Output(descriptor), new UTF8Encoding(false)) { AutoFlush = flush };

    public override bool CanRead => descriptor == 0;
    public override bool CanWrite => descriptor != 0;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count)
    {
        fixed (byte* to = buffer.AsSpan(offset, count))
            while (true)
                if (Checked(Libc.read(descriptor, to, (nuint)count)) is var size && size >= 0) return (int)size;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        fixed (byte* from = buffer.AsSpan(offset, count))
            for (nint done = 0; done < count;)
                if (Checked(Libc.write(descriptor, from + done, (nuint)(count - done))) is var size && size > 0) done += size;
                else if (size == 0) return;
    }

    /// <summary>The result of read or write; -1: interrupted, 0: there is no reader.</summary>
    nint Checked(nint result) => result >= 0 ? result : Marshal.GetLastSystemError() switch
    {
        Libc.Eintr => -1,
        Libc.Epipe => 0,
        var error => throw new UserException($"cannot use standard {(descriptor == 0 ? "input" : descriptor == 1 ? "output" : "error")}: {Libc.Error(error)}"),
    };
}
