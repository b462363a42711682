using Emu.Ir;

namespace Emu.Instrumentation;

/// <summary>
/// An event: not in the guest's code, but in a function of its own that the core calls when it happens (runtime/core/events.c). Its
/// number stands for the function's address: no guest has code there.
/// </summary>
sealed record Event(ulong Number, string Callback, Action<InstrumentationPass, Place> Show)
{
    /// <summary>In the order of <c>enum event</c> (runtime/core/core.h).</summary>
    public static readonly IReadOnlyList<Event> All =
    [
        new(1, nameof(InstrumentationPass.Signal), (pass, place) => pass.Signal(new(place))),
        new(2, nameof(InstrumentationPass.ModuleLoad), (pass, place) => pass.ModuleLoad(new(place))),
        new(3, nameof(InstrumentationPass.ModuleUnload), (pass, place) => pass.ModuleUnload(new(place))),
        new(4, nameof(InstrumentationPass.ThreadStart), (pass, place) => pass.ThreadStart(new(place))),
        new(5, nameof(InstrumentationPass.ThreadExit), (pass, place) => pass.ThreadExit(new(place))),
    ];

    /// <summary>What the plugins do, as a region that returns.</summary>
    public Function Instrumented(IReadOnlyList<Plugin> plugins)
    {
        var f = new Function(Number);
        var e = new Emitter(f);
        e.Begin(Number);
        e.Insn(Number, 0, Callback);
        var place = new Place(f, Number) { IsEvent = true };
        foreach (var p in plugins) p.Do(pass => Show(pass, place));
        f.Blocks[0].Code.AddRange(place.Code);
        e.Ret(e.ConstBits(Ir.Type.I64, 0));
        return f;
    }
}
