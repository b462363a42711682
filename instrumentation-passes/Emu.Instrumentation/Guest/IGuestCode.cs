namespace Emu.Instrumentation;

/// <summary>The guest's code, decoded: what the translator tells passes about an address.</summary>
public interface IGuestCode
{
    /// <summary>The instruction at an address of a region being instrumented.</summary>
    GuestInstruction At(ulong pc);

    /// <summary>The symbol that covers an address.</summary>
    GuestSymbol? SymbolAt(ulong address);
}
