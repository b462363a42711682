using System.Text.Json;

namespace Emu.Instrumentation;

/// <summary>
/// A plugin's translation-time half: it is shown every site of the guest's code once, while the code is translated, and says what
/// shall happen there at run time. Override what you watch; what is not overridden costs nothing.
/// </summary>
/// <remarks>
/// Passes are called one at a time, site by site in the order of the code; the order of regions is not fixed. See
/// docs/writing-a-pass.md.
/// </remarks>
public abstract class InstrumentationPass
{
    /// <summary>The folder that the plugin came from; C files of probes are looked up there first.</summary>
    internal string? Folder { get; set; }

    /// <summary>Called once, after the options are bound and before the first site; create what depends on options here.</summary>
    public virtual void Start() { }

    /// <summary>The entry of a translation block: straight-line code, entered only at its start.</summary>
    public virtual void Block(BlockSite at) { }

    /// <summary>One instruction. A rep string instruction is one, however often it repeats.</summary>
    public virtual void Instruction(InstructionSite at) { }

    /// <summary>One access to memory by an instruction, in the order in which the CPU makes them.</summary>
    public virtual void Memory(MemorySite at) { }

    /// <summary>One system call instruction.</summary>
    public virtual void SystemCall(SystemCallSite at) { }

    /// <summary>A signal is about to be handled by the guest.</summary>
    public virtual void Signal(SignalSite at) { }

    /// <summary>A file's code has been mapped.</summary>
    public virtual void ModuleLoad(ModuleSite at) { }

    /// <summary>A file's code is about to be unmapped.</summary>
    public virtual void ModuleUnload(ModuleSite at) { }

    /// <summary>A thread begins.</summary>
    public virtual void ThreadStart(ThreadSite at) { }

    /// <summary>A thread ends.</summary>
    public virtual void ThreadExit(ThreadSite at) { }

    /// <summary>Prints what was collected, for people. Without an override: every counter of the pass.</summary>
    public virtual void Report(Collected data, TextWriter to) => DefaultReport.Print(this, data, to);

    /// <summary>Writes what was collected as members of the plugin's JSON object, which is already open.</summary>
    public virtual void ReportJson(Collected data, Utf8JsonWriter to) => DefaultReport.Print(this, data, to);
}

/// <summary>Makes a pass a plugin: the name to say after <c>-p</c>, and one line of help.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PluginAttribute(string name, string help = "") : Attribute
{
    public string Name => name;
    public string Help => help;
}

/// <summary>Binds a property to <c>-p plugin,name=value</c>: string, bool (on/off), int, long, ulong (0x too) or an enum.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute(string name, string help = "") : Attribute
{
    public string Name => name;
    public string Help => help;
}
