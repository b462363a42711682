using System.Buffers.Binary;
using Emu.Tests.Cli;
using Emu.Tests.Programs;

namespace Emu.Tests.Core;

/// <summary>The guest of these tests (guest.c) in a folder of its own: ./native/guest, and as runners ./plain and ./plugin (insns, memtrace).</summary>
static class Actor
{
    static readonly Lazy<string> folder = new(Prepare);

    public static string Folder => folder.Value;

    /// <summary>Runs a bash command line in the folder.</summary>
    public static Said Run(string command) => Shell.Run($"cd '{Folder}'; ulimit -c 0\n{command}");

    /// <summary>What a data file says about how the run ended (runtime/core/data.h): 0 running or killed, 1 exited, 2 died; and with what.</summary>
    public static (ulong State, ulong Status) Ending(string file)
    {
        var header = File.ReadAllBytes(Path.Combine(Folder, file)).AsSpan(0, 128);
        return (BinaryPrimitives.ReadUInt64LittleEndian(header[72..]), BinaryPrimitives.ReadUInt64LittleEndian(header[80..]));
    }

    static string Prepare()
    {
        string made = Repository.Work("core");
        Directory.CreateDirectory(Path.Combine(made, "native"));
        Repository.Run("gcc", "-O1", "-fno-stack-protector", "-nostdlib", "-static", "-o", Path.Combine(made, "native/guest"), Path.Combine(Repository.Root, "tests/Emu.Tests/Core/guest.c"));
        var said = Shell.Run($"cd '{made}' && emu build --no-profile native/guest -o plain && emu build --no-profile native/guest -o plugin -p insns -p memtrace");
        return said.Code == 0 ? made : throw new InvalidOperationException(said.Error);
    }
}
