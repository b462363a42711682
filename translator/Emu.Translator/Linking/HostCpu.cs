using System.Runtime.Intrinsics.X86;
using Emu.Translator.X86;
using Iced.Intel;

namespace Emu.Translator.Linking;

/// <summary>What of the extensions that guests may be told of this CPU has.</summary>
public static class HostCpu
{
    public static bool Has(Feature f)
    {
        var (a, b, c, d) = X86Base.CpuId(unchecked((int)f.Leaf), f.Leaf == 0xd ? 1 : 0);
        return ((f.Register switch { 'a' => a, 'b' => b, 'c' => c, _ => d }) >> f.Bit & 1) != 0;
    }

    /// <summary>Whether this CPU executes an encoding.</summary>
    public static bool Has(Code code) => code.CpuidFeatures().All(need => Features.All.FirstOrDefault(f => f.Iced.Contains(need)) is not { } f || Has(f));
}
