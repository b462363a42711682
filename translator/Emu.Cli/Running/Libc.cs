using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Emu.Translator;

[assembly: DisableRuntimeMarshalling]

namespace Emu.Cli.Running;

/// <summary>The C library's functions that .NET has no equal for. All arguments are plain memory, so that calls cost nothing at start.</summary>
static unsafe partial class Libc
{
    const string Library = "libc.so.6";

    public const int SigInt = 2, SigQuit = 3, SigKill = 9, SigTerm = 15, SigHup = 1;
    public const int RLimitCore = 4;
    public const nint SigDfl = 0;
    public const int Eintr = 4, Epipe = 32;

    [DllImport(Library)] public static extern int execv(byte* path, byte** argv);
    [DllImport(Library)] public static extern nint signal(int number, nint handler);
    [DllImport(Library)] public static extern int kill(int pid, int number);
    [DllImport(Library)] public static extern int getpid();
    [DllImport(Library)] public static extern int waitpid(int pid, int* status, int options);
    [DllImport(Library)] public static extern int getrlimit(int resource, ulong* softAndHard);
    [DllImport(Library)] public static extern int setrlimit(int resource, ulong* softAndHard);
    [DllImport(Library)] public static extern int prctl(int option, ulong value, ulong a, ulong b, ulong c);
    [DllImport(Library)] public static extern int personality(ulong persona);
    [DllImport(Library)] public static extern int setenv(byte* name, byte* value, int overwrite);
    [DllImport(Library)] public static extern int unsetenv(byte* name);
    [DllImport(Library)] public static extern int isatty(int fd);
    [DllImport(Library)] public static extern nint write(int fd, byte* bytes, nuint size);
    [DllImport(Library)] public static extern nint read(int fd, byte* bytes, nuint size);
    [DllImport(Library)] public static extern int access(byte* path, int mode);
    [DllImport(Library)] public static extern int posix_spawn(int* pid, byte* path, ulong* actions, ulong* attributes, byte** argv, byte** envp);
    [DllImport(Library)] public static extern int posix_spawn_file_actions_init(ulong* actions);
    [DllImport(Library)] public static extern int posix_spawn_file_actions_addopen(ulong* actions, int fd, byte* path, int flags, uint mode);
    [DllImport(Library)] public static extern int posix_spawn_file_actions_destroy(ulong* actions);
    [DllImport(Library)] public static extern byte* strerror(int error);

    /// <summary>The environment as it came, which .NET never changes.</summary>
    public static byte** Environ
    {
        get => *(byte***)NativeLibrary.GetExport(NativeLibrary.Load(Library), "environ");
    }

    /// <summary>errno of the call just made, in words.</summary>
    public static string Error(int error) => Marshal.PtrToStringUTF8((nint)strerror(error))!;

    /// <summary>A zero-terminated copy; never freed: commands are short.</summary>
    public static byte* Text(string s)
    {
        byte[] bytes = FilePath.Bytes(s);
        var text = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
        bytes.CopyTo(new Span<byte>(text, bytes.Length));
        return text;
    }

    /// <summary>A zero-terminated array of zero-terminated copies.</summary>
    public static byte** Vector(IReadOnlyList<byte[]> words)
    {
        var vector = (byte**)NativeMemory.AllocZeroed((nuint)(words.Count + 1) * 8);
        for (int n = 0; n < words.Count; n++)
        {
            vector[n] = (byte*)NativeMemory.AllocZeroed((nuint)words[n].Length + 1);
            words[n].CopyTo(new Span<byte>(vector[n], words[n].Length));
        }
        return vector;
    }
}
