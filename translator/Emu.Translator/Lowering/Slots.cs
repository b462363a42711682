using Emu.Ir;
using Emu.Translator.Passes;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>How a guest register crosses a region's boundary.</summary>
public enum Crossing
{
    /// <summary>In host registers.</summary>
    Travels,
    /// <summary>In the state.</summary>
    Stays,
    /// <summary>Not at all: it is no guest register.</summary>
    Local,
}

/// <summary>A piece of guest state inside a region: an alloca that LLVM turns into SSA.</summary>
/// <param name="Register">The register it is of; a vector register has two slots, one for each half.</param>
/// <param name="Offset">In the state struct, in bytes.</param>
/// <param name="Transient">Its bit where it may be dropped; none where it is always handed over.</param>
public sealed record Slot(int Number, string Register, int Offset, Crossing Crossing, Transient Transient, LLVMTypeRef Type, LLVMValueRef Home)
{
    public ulong Bit => 1UL << Number;

    /// <summary>Whether it matters where <paramref name="live"/> is what may be read.</summary>
    public bool IsIn(Transient live) => Transient == 0 || (Transient & live) != 0;
}

/// <summary>The calling convention between regions (ARCHITECTURE.md, "Calling convention").</summary>
public static class Abi
{
    /// <summary>Where x86_regcallcc puts the arguments.</summary>
    public static readonly IReadOnlyList<string> HostRegisters = ["rax", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r12", "r13", "r14", "r15", .. Enumerable.Range(0, 9).Select(n => $"xmm{n}")];

    /// <summary>Among the results: the PC to go on at.</summary>
    public const string Rip = "rip";

    /// <summary>LLVM's x86_regcallcc.</summary>
    public const uint Regcall = 92;

    /// <summary>LLVM's preserve_allcc, for cold calls: nothing is spilled around them.</summary>
    public const uint PreserveAll = 15;

    /// <summary>No host register is kept by a region, so none is saved in one: what regcall would keep carries nothing of the guest.</summary>
    public const string KeepsNothing = "no_callee_saved_registers";

    /// <summary>The vector registers in which the psABI passes arguments. Each one that travels costs a copy in all code that calls, jumps or returns.</summary>
    static readonly string[] vectors = [.. Enumerable.Range(0, 4).Select(n => $"ymm{n}")];

    /// <summary>
    /// The guest registers in the arguments, in order: eleven general ones, the low halves of the vector registers, and the other general registers that
    /// the psABI passes, for which regcall has vector registers left.
    /// </summary>
    public static readonly IReadOnlyList<string> In = ["rsp", "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r12", "rbx", "rbp", "r13", .. vectors, "r14", "r15", "r10", "rax"];

    /// <summary>The guest registers in the results, in order: where one travels both ways, it is in the same host register.</summary>
    public static readonly IReadOnlyList<string> Out = ["rsp", "rcx", "rdx", "rdi", "rsi", "rax", Rip, "r12", "rbx", "rbp", "r13", .. vectors, "r14", "r15", "r10", "r8", "r9"];

    /// <summary>Whether the n-th argument or result is in a vector register.</summary>
    public static bool IsInVector(int n) => HostRegisters[n][0] == 'x';

    /// <summary>The results with their numbers that carry guest registers.</summary>
    public static readonly IReadOnlyList<(int Number, string Register)> Results = [.. Out.Index().Where(r => r.Item != Rip)];

    public static readonly int RipNumber = Out.Index().First(r => r.Item == Rip).Index;

    /// <summary>How a register crosses; the upper half of a vector register always stays.</summary>
    public static Crossing Of(string register, int half = 0) => GuestState.Offset(register) < 0 ? Crossing.Local : half == 0 && In.Contains(register) ? Crossing.Travels : Crossing.Stays;
}
