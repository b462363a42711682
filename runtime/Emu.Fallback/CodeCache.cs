using System.Runtime.InteropServices;

namespace Emu.Fallback;

/// <summary>
/// The memory that runners execute: written here, at the addresses that it has there. Space is handed out once and never taken back: a runner
/// whose cache is full gives it up, and starts a service with an empty one.
/// </summary>
sealed unsafe class CodeCache
{
    readonly byte* here;
    readonly ulong size;
    ulong used = Protocol.CacheHeader;

    /// <param name="file">The descriptor of the shared memory.</param>
    /// <param name="at">Its address in the runner.</param>
    public CodeCache(int file, ulong at, ulong size)
    {
        const int readWrite = 3, shared = 1;
        (Address, this.size) = (at, size);
        here = (byte*)mmap(0, (nuint)size, readWrite, shared, file, 0);
        if ((nint)here == -1) throw new TranslationException("cannot map the code cache");
    }

    /// <summary>Where the runner has it.</summary>
    public ulong Address { get; }

    /// <summary>Room at a runner's address.</summary>
    public ulong Take(int bytes, int alignment)
    {
        ulong at = (used + (ulong)alignment - 1) & ~((ulong)alignment - 1);
        if (at + (ulong)bytes > size) throw new CacheFullException();
        used = at + (ulong)bytes;
        return Address + at;
    }

    /// <summary>The memory at a runner's address.</summary>
    public Span<byte> At(ulong address, int bytes) => new(here + (address - Address), bytes);

    [DllImport("libc")] static extern nint mmap(nint at, nuint size, int protection, int flags, int file, nint offset);
}

/// <summary>There is no room for another region.</summary>
sealed class CacheFullException : Exception;

/// <summary>A PC that cannot be translated; the message is one line for the guest's user.</summary>
sealed class TranslationException(string message) : Exception(message);
