using Emu.Instrumentation;
using Iced.Intel;

namespace Emu.Translator.Instrumentation;

/// <summary>Guest code as passes see it, made from Iced's decoding. Not thread-safe: make one for each region.</summary>
/// <param name="decoded">The instruction at a guest address.</param>
/// <param name="bytes">A run of guest code: address and length.</param>
/// <param name="symbol">The symbol that covers a guest address.</param>
/// <param name="file">The file that a guest address is of.</param>
public sealed class IcedGuestCode(Func<ulong, Instruction> decoded, Func<ulong, int, ReadOnlyMemory<byte>> bytes, Func<ulong, GuestSymbol?> symbol, Func<ulong, CodeFile?> file) : IGuestCode
{
    readonly Dictionary<ulong, GuestInstruction> known = [];
    readonly InstructionInfoFactory info = new();
    readonly Func<ulong, int, ReadOnlyMemory<byte>> bytes = bytes;

    public GuestSymbol? SymbolAt(ulong address) => symbol(address);

    public GuestInstruction At(ulong pc) => known.TryGetValue(pc, out var i) ? i : known[pc] = Describe(decoded(pc));

    GuestInstruction Describe(Instruction i) => new IcedInstruction(this, i)
    {
        TargetSymbol = i.IsCallNear || i.IsJmpShortOrNear ? symbol(i.NearBranchTarget) : null,
        Import = (i.IsJmpNearIndirect || i.IsCallNearIndirect) && i.IsIPRelativeMemoryOperand ? file(i.IP)?.ImportAt(i.IPRelativeMemoryAddress) : null,
        File = file(i.IP)?.Name,
        Address = i.IP,
        Length = i.Length,
        Mnemonic = mnemonics[(int)i.Mnemonic],
        Class = InstructionClasses.Of(i),
        Branch = Branch(i),
        Target = i.IsJccShortOrNear || i.IsJmpShortOrNear || i.IsCallNear || i.IsJcxShort || i.IsLoopcc || i.IsLoop ? i.NearBranchTarget : null,
        IsLocked = i.HasLockPrefix || i.Mnemonic == Mnemonic.Xchg && (i.Op0Kind == OpKind.Memory || i.Op1Kind == OpKind.Memory),
        IsRepeated = (i.HasRepPrefix || i.HasRepnePrefix) && i.IsStringInstruction,
        Symbol = symbol(i.IP),
        Function = file(i.IP)?.FunctionAt(i.IP) ?? 0,
    };

    static readonly string[] mnemonics = [.. Enum.GetValues<Mnemonic>().Select(m => m.ToString().ToLowerInvariant())];

    sealed class IcedInstruction(IcedGuestCode code, in Instruction instruction) : GuestInstruction
    {
        readonly Instruction i = instruction;

        public override ReadOnlyMemory<byte> Bytes => code.bytes(i.IP, i.Length);
        protected override IReadOnlyList<Operand> Decode() => code.Operands(i);
        protected override string Disassemble() => Text(i);
    }

    static string Text(in Instruction i)
    {
        var output = new StringOutput();
        new IntelFormatter().Format(i, output);
        return output.ToStringAndReset();
    }

    static BranchKind Branch(in Instruction i) => i.FlowControl switch
    {
        FlowControl.UnconditionalBranch => BranchKind.Jump,
        FlowControl.IndirectBranch => BranchKind.IndirectJump,
        FlowControl.ConditionalBranch => BranchKind.Conditional,
        FlowControl.Return => BranchKind.Return,
        FlowControl.Call when i.Mnemonic is Mnemonic.Syscall or Mnemonic.Sysenter => BranchKind.SystemCall,
        FlowControl.Call => BranchKind.Call,
        FlowControl.IndirectCall => BranchKind.IndirectCall,
        FlowControl.Interrupt or FlowControl.Exception => BranchKind.Interrupt,
        _ => BranchKind.None,
    };

    List<Operand> Operands(in Instruction i)
    {
        ref readonly var used = ref info.GetInfo(i);
        var operands = new List<Operand>(i.OpCount);
        for (int n = 0; n < i.OpCount; n++)
            if (Explicit(i, n, used.GetOpAccess(n)) is { } o) operands.Add(o);
        foreach (var m in used.GetUsedMemory())
            if (!IsExplicit(i, m)) operands.Add(Implied(i, m));
        foreach (var r in used.GetUsedRegisters())
            if (!Mentions(i, r.Register)) operands.Add(new Operand.Register(Name(r.Register)!, r.Register.GetSize(), Reads(r.Access), Writes(r.Access)));
        return operands;
    }

    static Operand? Explicit(in Instruction i, int n, OpAccess access) => i.GetOpKind(n) switch
    {
        OpKind.Register => new Operand.Register(Name(i.GetOpRegister(n))!, i.GetOpRegister(n).GetSize(), Reads(access), Writes(access)),
        OpKind.Memory => new Operand.Memory(Name(i.MemorySegment), Name(i.MemoryBase), Name(i.MemoryIndex), i.MemoryIndexScale, (long)i.MemoryDisplacement64, i.MemorySize.GetSize(), Reads(access), Writes(access)),
        OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64 => new Operand.Immediate((long)i.NearBranchTarget, 8),
        >= OpKind.Immediate8 and <= OpKind.Immediate32to64 => new Operand.Immediate((long)i.GetImmediate(n), ImmediateSize(i.GetOpKind(n))),
        _ => null,
    };

    static int ImmediateSize(OpKind k) => k switch
    {
        OpKind.Immediate8 or OpKind.Immediate8_2nd => 1,
        OpKind.Immediate16 or OpKind.Immediate8to16 => 2,
        OpKind.Immediate32 or OpKind.Immediate8to32 => 4,
        _ => 8,
    };

    static Operand.Memory Implied(in Instruction i, UsedMemory m) =>
        new(Name(m.Segment), Name(m.Base), Name(m.Index), m.Scale, (long)m.Displacement, (m.MemorySize == MemorySize.Unknown ? i.MemorySize : m.MemorySize).GetSize(), Reads(m.Access), Writes(m.Access));

    /// <summary>Whether a use of memory is that of the written memory operand (string operands are not: they have kinds of their own).</summary>
    static bool IsExplicit(Instruction i, UsedMemory m) =>
        Enumerable.Range(0, i.OpCount).Any(n => i.GetOpKind(n) == OpKind.Memory) && m.Base == i.MemoryBase && m.Index == i.MemoryIndex && m.Displacement == i.MemoryDisplacement64;

    static bool Mentions(Instruction i, Register r)
    {
        var full = r.GetFullRegister();
        return Enumerable.Range(0, i.OpCount).Any(n => i.GetOpKind(n) == OpKind.Register && i.GetOpRegister(n).GetFullRegister() == full
            || i.GetOpKind(n) == OpKind.Memory && (i.MemoryBase.GetFullRegister() == full || i.MemoryIndex.GetFullRegister() == full || i.MemorySegment == r));
    }

    static string? Name(Register r) => r switch
    {
        Register.None => null,
        Register.CS or Register.DS or Register.ES or Register.SS => null,
        _ => r.ToString().ToLowerInvariant(),
    };

    static bool Reads(OpAccess a) => a is OpAccess.Read or OpAccess.CondRead or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
    static bool Writes(OpAccess a) => a is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
}
