using System.Runtime.InteropServices;
using Emu.Translator;

namespace Emu.Cli.Running;

/// <summary>struct stat of x86-64 Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct Stat
{
    public ulong Device, Inode, Links;
    public uint Mode, User, Group, Pad;
    public ulong RealDevice;
    public long Size, BlockSize, Blocks, AccessTime, AccessNanos, ModifyTime, ModifyNanos, ChangeTime, ChangeNanos, Spare0, Spare1, Spare2;

    public readonly bool IsRegular => (Mode & 0xf000) == 0x8000;
    public readonly bool IsDirectory => (Mode & 0xf000) == 0x4000;

    /// <summary>Changes when the file's contents do.</summary>
    public readonly string Signature => $"{Device:x}:{Inode:x}:{Size:x}:{ModifyTime:x}.{ModifyNanos:x}:{ChangeTime:x}.{ChangeNanos:x}";

    /// <summary>What the path names, links followed; null: nothing that can be seen.</summary>
    public static Stat? Of(string path)
    {
        Stat s;
        fixed (byte* name = FilePath.Bytes(path)) return stat(name, &s) == 0 ? s : null;
    }

    [DllImport("libc.so.6")] static extern int stat(byte* path, Stat* into);
}
