using IrType = Emu.Ir.Type;

namespace Emu.Instrumentation;

/// <summary>A system call. Its own actions go before it.</summary>
/// <remarks>
/// The place after it is reached once the kernel has returned, before a signal that came meanwhile is delivered; in parent and child
/// of a fork. It is not reached by calls that do not return (exit, rt_sigreturn, an execve that works).
/// </remarks>
public sealed class SystemCallSite : CodeSite
{
    static readonly string[] arguments = ["rdi", "rsi", "rdx", "r10", "r8", "r9"];

    internal SystemCallSite(GuestInstruction instruction, Place before, Place after) : base(instruction)
    {
        (Before, After) = (before, after);
        Number = Word.At(at => IsEarly(at) ? at.E.Get(IrType.I32, "rax").Zext(IrType.I64) : at.E.Get(IrType.I64, "event0"), 32);
        Result = Word.At(at => !IsEarly(at) ? at.E.Get(IrType.I64, "rax") : throw new SiteException($"0x{Address:x}: the result of a system call is not known before it: use at.After"));
    }

    /// <summary>Where the instruction is in the guest.</summary>
    public ulong Address => Instruction.Address;

    /// <summary>Which call: syscall_64.tbl.</summary>
    public Word Number { get; }

    /// <summary>What the kernel returned; -4095 to -1 is an error. Known only <see cref="After"/>.</summary>
    public Word Result { get; }

    /// <summary>An argument, 0 to 5. What a call does not take may hold anything.</summary>
    public Word Argument(int n) => Register(arguments[n]);

    /// <summary>Just before the call.</summary>
    public Place Before { get; }

    /// <summary>Just after the call.</summary>
    public Place After { get; }

    private protected override Place Natural => Before;

    bool IsEarly(Place at) => at.Rip == Address;
}
