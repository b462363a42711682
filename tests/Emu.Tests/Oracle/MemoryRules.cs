using Iced.Intel;
using static Iced.Intel.Mnemonic;

namespace Emu.Tests.Oracle;

/// <summary>Which memory accesses one executed instruction makes, in order: the table of tests/oracle/README.md.</summary>
public static class MemoryRules
{
    const int ZeroFlag = 0x40;
    static readonly InstructionInfoFactory Info = new();

    /// <summary>Accesses of an instruction that ran from <paramref name="before"/> to <paramref name="after"/> (one iteration of a rep).</summary>
    public static List<MemoryEvent> Of(in Instruction instruction, Step before, Step? after)
    {
        var events = new List<MemoryEvent>();
        var add = new Adder(instruction, before, events);
        switch (instruction.Mnemonic)
        {
            case Movsb or Movsw or Movsq: String(instruction, add); break;
            case Movsd when instruction.IsStringInstruction: String(instruction, add); break;
            case Cmpsb or Cmpsw or Cmpsq: String(instruction, add); break;
            case Cmpsd when instruction.IsStringInstruction: String(instruction, add); break;
            case Lodsb or Lodsw or Lodsd or Lodsq or Scasb or Scasw or Scasd or Scasq or Stosb or Stosw or Stosd or Stosq: String(instruction, add); break;
            case Enter: EnterFrame(instruction, before, add); break;
            case Pop when instruction.Op0Kind == OpKind.Memory: PopMemory(instruction, before, add); break;
            case Bt or Bts or Btr or Btc when instruction.Op0Kind == OpKind.Memory: Bits(instruction, add); break;
            case Cmpxchg or Cmpxchg8b or Cmpxchg16b when HasMemory(instruction): Exchange(instruction, add, after); break;
            case Lea or Nop or Prefetchnta or Prefetcht0 or Prefetcht1 or Prefetcht2 or Prefetchw or Clflush or Endbr64 or Syscall: break;
            case Maskmovdqu or Maskmovq: throw new NotSupportedException($"no rule for {instruction}");
            case Fnstenv or Fldenv or Fnsave or Frstor: add.One(instruction.MemorySize.GetSize(), instruction.Mnemonic is Fnstenv or Fnsave); break;
            case Xsave or Xsave64 or Xsavec or Xsavec64 or Xsaveopt or Xsaveopt64 or Xrstor or Xrstor64: add.One(832, instruction.Mnemonic is not (Xrstor or Xrstor64)); break;
            case Fxsave or Fxrstor or Fxsave64 or Fxrstor64: add.One(512, instruction.Mnemonic is Fxsave or Fxsave64); break;
            default: General(instruction, add); break;
        }
        return events;
    }

    static bool HasMemory(in Instruction i) => i.Op0Kind == OpKind.Memory || (i.OpCount > 1 && i.Op1Kind == OpKind.Memory);

    static void String(in Instruction i, Adder add)
    {
        var (source, target) = Pointers(i);
        var size = i.MemorySize.GetSize();
        if (i.Mnemonic is Movsb or Movsw or Movsd or Movsq or Cmpsb or Cmpsw or Cmpsd or Cmpsq or Lodsb or Lodsw or Lodsd or Lodsq)
            add.At(add.Operands.StringAddress(source), size, isStore: false);
        if (i.Mnemonic is Cmpsb or Cmpsw or Cmpsd or Cmpsq or Scasb or Scasw or Scasd or Scasq)
            add.At(add.Operands.StringAddress(target), size, isStore: false);
        if (i.Mnemonic is Movsb or Movsw or Movsd or Movsq or Stosb or Stosw or Stosd or Stosq)
            add.At(add.Operands.StringAddress(target), size, isStore: true);
    }

    static (Register Source, Register Target) Pointers(in Instruction i)
    {
        for (var n = 0; n < i.OpCount; n++)
            if (i.GetOpKind(n) is OpKind.MemorySegESI or OpKind.MemoryESEDI)
                return (Register.ESI, Register.EDI);
        return (Register.RSI, Register.RDI);
    }

    /// <summary>SDM vol. 2, ENTER: push rbp; copy the outer frame pointers; push the new one.</summary>
    static void EnterFrame(in Instruction i, Step before, Adder add)
    {
        var level = i.Immediate8_2nd & 31;
        var rsp = before.Gpr[Step.Rsp] - 8;
        var rbp = before.Gpr[Step.Rbp];
        add.At(rsp, 8, isStore: true);
        for (var k = 1; k < level; k++)
        {
            add.At(rbp -= 8, 8, isStore: false);
            add.At(rsp -= 8, 8, isStore: true);
        }
        if (level > 0)
            add.At(rsp - 8, 8, isStore: true);
    }

    /// <summary>SDM vol. 2, POP: a memory operand based on rsp is computed after the increment.</summary>
    static void PopMemory(in Instruction i, Step before, Adder add)
    {
        var size = i.MemorySize.GetSize();
        add.At(before.Gpr[Step.Rsp], size, isStore: false);
        var moved = i.MemoryBase == Register.RSP ? (ulong)size : 0;
        add.At(add.Operands.Address + moved, size, isStore: true);
    }

    /// <summary>SDM vol. 1, 4.2 and BT in vol. 2: a register offset reaches far, by whole words of the operand's size.</summary>
    static void Bits(in Instruction i, Adder add)
    {
        var size = i.MemorySize.GetSize();
        var address = add.Operands.Address;
        if (i.Op1Kind == OpKind.Register)
        {
            var raw = add.Operands.Register(i.Op1Register);
            var offset = size == 8 ? (long)raw : size == 4 ? (int)raw : (short)raw;
            address += (ulong)((offset >> (size == 8 ? 6 : size == 4 ? 5 : 4)) * size);
        }
        add.At(address, size, isStore: false);
        if (i.Mnemonic != Bt)
            add.At(address, size, isStore: true);
    }

    static void Exchange(in Instruction i, Adder add, Step? after)
    {
        add.One(i.MemorySize.GetSize(), isStore: false);
        if (after is not null && (after.Rflags & ZeroFlag) != 0)
            add.One(i.MemorySize.GetSize(), isStore: true);
    }

    /// <summary>Everything else: Iced's list of used memory, loads before stores.</summary>
    static void General(in Instruction i, Adder add)
    {
        lock (Info)
        {
            var used = Info.GetInfo(i).GetUsedMemory();
            foreach (var m in used)
                if (m.Access is OpAccess.Read or OpAccess.CondRead or OpAccess.ReadWrite or OpAccess.ReadCondWrite)
                    add.At(add.Of(m), m.MemorySize.GetSize(), isStore: false);
            foreach (var m in used)
                if (m.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite)
                    add.At(add.Of(m), m.MemorySize.GetSize(), isStore: true);
        }
    }

    /// <summary>Collects the events of one instruction.</summary>
    sealed class Adder(Instruction instruction, Step before, List<MemoryEvent> events)
    {
        readonly bool locked = instruction.HasLockPrefix || (instruction.Mnemonic == Xchg && HasMemory(instruction));

        public Operands Operands { get; } = new(instruction, before);

        public void At(ulong address, int size, bool isStore) => events.Add(new(instruction.IP, address, size, isStore, locked));

        public void One(int size, bool isStore) => At(Operands.Address, size, isStore);

        public ulong Of(in UsedMemory m)
        {
            var sum = Operands.Register(m.Base) + Operands.Register(m.Index) * (ulong)m.Scale + m.Displacement;
            if (m.Base == Register.RIP || m.Base == Register.EIP)
                sum = Operands.Address - Operands.Segment(m.Segment);
            if (m.AddressSize == CodeSize.Code32)
                sum = (uint)sum;
            return Operands.Segment(m.Segment) + sum;
        }
    }
}
