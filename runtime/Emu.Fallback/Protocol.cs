using System.Runtime.InteropServices;

namespace Emu.Fallback;

/// <summary>runtime/core/fallback.h, in C#: what runner and service say to each other.</summary>
enum MessageKind : uint { Hello = 1, Ready, Translate, WantPage, Page, Done, Error, Promote, Full, Boxes, Again }

/// <summary>Why code is asked for: it is called, or all host frames were left before, or one instruction is wanted.</summary>
enum Purpose : ulong { Entry, Resumed, Step }

/// <summary>What guest code in a page may rely on.</summary>
enum PageState : ulong { Absent, Constant, Watched, Checked }

/// <summary>A message's head; `size` bytes follow.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct MessageHead
{
    public ulong Id;
    public MessageKind Kind;
    public uint Size, Cpu, Unused;
    public fixed ulong Words[6];
}

/// <summary>The numbers that both sides must agree on.</summary>
static class Protocol
{
    public const int Version = 6, Socket = 3, Cache = 4, Runner = 5;
    public const int CellsPerChunk = ((1 << 20) - 64) / 24, ChunkShift = 20, ChunkHeader = 64, KeySize = 16;
    public const int MostRegions = 1 << 18, CacheHeader = 4096;

    /// <summary>Behind the cache in the same file (struct service_notes, struct box).</summary>
    public const int BoxesAt = 4096, Boxes = 1024, BoxRoom = 8192, NotesRoom = BoxesAt + Boxes * BoxRoom;

    public const uint IsChecked = 1, ReadsUnpassed = 2, IsFirstTier = 4, HasExactFaults = 8, TakesUnpassed = 16, IsStep = 32;

    /// <summary>In the cache's first page: numbers of regions, and what may have been promoted (struct cache_header).</summary>
    public const int FirstTierAt = 64 * 8 + 5 * 8, PromotedAt = FirstTierAt + 8, IsPromotedAt = PromotedAt + 8, PromotedBits = 2048;

    /// <summary>There, too: enum ExactFaults, what the guest needs.</summary>
    public const int ExactFaultsAt = IsPromotedAt + PromotedBits;
}

/// <summary>A region's record in the cache (struct region).</summary>
[StructLayout(LayoutKind.Sequential)]
struct RegionRecord
{
    public ulong Pc, Host, HostEnd;
    public uint Id, Flags;
    public ulong Lines, LinesSize, Keys, Names, NamesSize;
    public uint FirstCell, Cells, Ranges, Unused;
}

/// <summary>A run of guest code that a region was made from (struct code_range); its bytes are that far behind the record.</summary>
[StructLayout(LayoutKind.Sequential)]
struct CodeRange
{
    public ulong From;
    public uint Size, Bytes;
}
