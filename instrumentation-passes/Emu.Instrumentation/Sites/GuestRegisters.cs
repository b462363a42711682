using System.Collections.Concurrent;
using Emu.Ir;
using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>The registers that a pass can name, as words. One word per name, so that plugins sharing a place share the read.</summary>
static class GuestRegisters
{
    static readonly ConcurrentDictionary<string, Word> words = [];
    static readonly Dictionary<string, (string Register, int Byte, int Bits)> parts = Parts();

    public static Word Word(string name) => words.GetOrAdd(name, Make);

    static Word Make(string name) => name switch
    {
        "rip" => Instrumentation.Word.At(at => at.IsEvent ? at.E.Get(IrType.I64, "event3") : at.E.ConstBits(IrType.I64, at.Rip)),
        "rflags" => Instrumentation.Word.At(at => at.E.Rflags(), 32),
        "mxcsr" => Instrumentation.Word.At(at => at.E.Native("stmxcsr", IrType.I32, null), 32),
        _ when parts.TryGetValue(name, out var p) => Instrumentation.Word.At(at => at.E.Get(IrType.Int(p.Bits), p.Register, p.Byte), p.Bits),
        _ => throw new SiteException($"no register '{name}': there are the general registers and their parts, rip, rflags, fsbase, gsbase, mxcsr"),
    };

    /// <summary>Every general register with its parts (Intel SDM vol. 1, 3.4.1.1), and the few special ones.</summary>
    static Dictionary<string, (string, int, int)> Parts()
    {
        var p = new Dictionary<string, (string, int, int)> { ["fsbase"] = ("fsbase", 0, 64), ["gsbase"] = ("gsbase", 0, 64) };
        for (int n = 0; n < 16; n++)
        {
            string full = GuestState.Gprs[n], old = full[1..];
            p[full] = (full, 0, 64);
            p[n < 8 ? "e" + old : full + "d"] = (full, 0, 32);
            p[n < 8 ? old : full + "w"] = (full, 0, 16);
            p[n < 4 ? old[..1] + "l" : n < 8 ? old + "l" : full + "b"] = (full, 0, 8);
            if (n < 4) p[old[..1] + "h"] = (full, 1, 8);
        }
        return p;
    }
}
