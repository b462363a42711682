namespace Emu.Instrumentation;

/// <summary>Where a pass may act. A site's own actions go to its natural place: a block's entry, before an instruction, after an access.</summary>
public abstract class Site
{
    /// <summary>Where the site's own actions go.</summary>
    private protected abstract Place Natural { get; }

    /// <summary>
    /// A guest register by name: any general register (<c>rdi</c>, <c>edi</c>, <c>di</c>, <c>dil</c>, <c>ah</c>), <c>rip</c>,
    /// <c>rflags</c>, <c>fsbase</c>, <c>gsbase</c>, <c>mxcsr</c>. Its value is the architectural one at the place where the word is used.
    /// </summary>
    public Word Register(string name) => GuestRegisters.Word(name);

    /// <summary>Adds <paramref name="by"/> to the counter of <paramref name="key"/>.</summary>
    public void Count(Counters counters, ulong key = 0, long by = 1) => Natural.Count(counters, key, by);

    /// <summary>Adds to the counter that stands for a text; see <see cref="Counters.Key"/>.</summary>
    public void Count(Counters counters, string key, long by = 1) => Natural.Count(counters, key, by);

    /// <summary>Appends a record: one word for each field of the stream.</summary>
    public void Append(RecordStream stream, params ReadOnlySpan<Word> words) => Natural.Append(stream, words);

    /// <summary>Calls a probe; each word arrives as a uint64_t.</summary>
    public void Call(Probe probe, params ReadOnlySpan<Word> words) => Natural.Call(probe, words);
}

/// <summary>A site of the guest's code.</summary>
public abstract class CodeSite : Site
{
    private protected CodeSite(GuestInstruction instruction) => Instruction = instruction;

    /// <summary>The instruction: of a block, its first.</summary>
    public GuestInstruction Instruction { get; }
}

/// <summary>A site was asked for what it does not have; the message says what to do instead.</summary>
public sealed class SiteException(string message) : InvalidOperationException(message);
