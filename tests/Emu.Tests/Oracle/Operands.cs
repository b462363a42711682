using Iced.Intel;

namespace Emu.Tests.Oracle;

/// <summary>Reads registers and computes addresses of a decoded instruction from the registers of one step (SDM vol. 1, 3.7.5).</summary>
sealed class Operands(Instruction instruction, Step before)
{
    public ulong Register(Register register) => register switch
    {
        Iced.Intel.Register.None => 0,
        Iced.Intel.Register.RIP => instruction.NextIP,
        Iced.Intel.Register.EIP => (uint)instruction.NextIP,
        Iced.Intel.Register.FS => before.FsBase,
        Iced.Intel.Register.GS => before.GsBase,
        Iced.Intel.Register.AL => (byte)before.Gpr[0], // xlat
        Iced.Intel.Register.ES or Iced.Intel.Register.CS or Iced.Intel.Register.SS or Iced.Intel.Register.DS => 0,
        _ when register.IsGPR64() => before.Gpr[register.GetNumber()],
        _ when register.IsGPR32() => (uint)before.Gpr[register.GetNumber()],
        _ when register.IsGPR16() => (ushort)before.Gpr[register.GetNumber()],
        _ => throw new NotSupportedException($"register {register} in an address of {instruction}"),
    };

    public ulong Segment(Register segment) => segment is Iced.Intel.Register.FS or Iced.Intel.Register.GS ? Register(segment) : 0;

    /// <summary>The address of the instruction's memory operand, segment base included.</summary>
    public ulong Address => Segment(instruction.MemorySegment) + Offset;

    ulong Offset
    {
        get
        {
            if (instruction.IsIPRelativeMemoryOperand)
                return instruction.IPRelativeMemoryAddress;
            var sum = Register(instruction.MemoryBase) + Register(instruction.MemoryIndex) * (ulong)instruction.MemoryIndexScale
                + instruction.MemoryDisplacement64;
            var narrow = instruction.MemoryBase.IsGPR32() || instruction.MemoryIndex.IsGPR32();
            return narrow ? (uint)sum : sum;
        }
    }

    /// <summary>The address of a string operand: [seg:rsi] or [rdi], narrowed to 32 bits under an address-size prefix.</summary>
    public ulong StringAddress(Register pointer) =>
        Register(pointer) + (pointer is Iced.Intel.Register.RSI or Iced.Intel.Register.ESI ? Segment(instruction.MemorySegment) : 0);

    /// <summary>Where a `push`, `call` or `enter` stores.</summary>
    public ulong Below(int size) => before.Gpr[Step.Rsp] - (ulong)size;
}
