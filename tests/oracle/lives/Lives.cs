using Emu.Instrumentation;

/// <summary>Writes down threads and files with code as they come and go: one line each.</summary>
[Plugin("lives", "threads and files with code, as they come and go")]
public sealed class Lives : InstrumentationPass
{
    enum What : ulong { ThreadStart = 1, ThreadExit, ModuleLoad, ModuleUnload }

    readonly record struct Moment(ulong What, ulong Id);

    readonly Stream<Moment> moments = new("moments");

    public override void ThreadStart(ThreadSite at) => at.Append(moments, (ulong)What.ThreadStart, at.Id);

    public override void ThreadExit(ThreadSite at) => at.Append(moments, (ulong)What.ThreadExit, at.Id);

    public override void ModuleLoad(ModuleSite at) => at.Append(moments, (ulong)What.ModuleLoad, at.Address);

    public override void ModuleUnload(ModuleSite at) => at.Append(moments, (ulong)What.ModuleUnload, at.Address);

    public override void Report(Collected data, TextWriter to)
    {
        foreach (var m in data.Records(moments)) to.WriteLine($"{(What)m.What} {m.Id}");
    }
}
