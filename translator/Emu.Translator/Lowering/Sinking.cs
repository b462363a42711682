using System.Runtime.InteropServices;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>
/// Moves what only cold code reads to where it is read, a copy for each reader: flags, mostly, which code met at run time hands over at every exit.
/// (LLVM's own passes move only what has one reader.) Cold is what leaves the region, or visits the core.
/// </summary>
public static unsafe class Sinking
{
    public static void Run(ModuleWriter m)
    {
        for (var f = LLVM.GetFirstFunction(m.Module); f.Handle != 0; f = LLVM.GetNextFunction(f))
        {
            var blocks = new List<LLVMBasicBlockRef>();
            for (var b = LLVM.GetFirstBasicBlock(f); b.Handle != 0; b = LLVM.GetNextBasicBlock(b)) blocks.Add(b);
            var cold = blocks.Where(b => IsCold(b, m.Visits)).ToHashSet();
            foreach (var b in blocks.Where(b => !cold.Contains(b)))
                for (LLVMValueRef i = LLVM.GetLastInstruction(b), before; i.Handle != 0; i = before)
                {
                    before = LLVM.GetPreviousInstruction(i);
                    if (IsPure(i) && Readers(i) is { Count: > 0 } readers && readers.All(r => cold.Contains(r.Block))) Sink(m, i, readers);
                }
        }
    }

    static bool IsCold(LLVMBasicBlockRef b, IReadOnlySet<LLVMValueRef> visits)
    {
        if (LLVM.GetInstructionOpcode(LLVM.GetBasicBlockTerminator(b)) == LLVMOpcode.LLVMRet) return true;
        for (var i = LLVM.GetFirstInstruction(b); i.Handle != 0; i = LLVM.GetNextInstruction(i))
            if (LLVM.GetInstructionOpcode(i) == LLVMOpcode.LLVMCall && visits.Contains(LLVM.GetCalledValue(i))) return true;
        return false;
    }

    static bool IsPure(LLVMValueRef i) => LLVM.GetInstructionOpcode(i) switch
    {
        LLVMOpcode.LLVMICmp or LLVMOpcode.LLVMAnd or LLVMOpcode.LLVMOr or LLVMOpcode.LLVMXor or LLVMOpcode.LLVMAdd or LLVMOpcode.LLVMSub
            or LLVMOpcode.LLVMShl or LLVMOpcode.LLVMLShr or LLVMOpcode.LLVMAShr or LLVMOpcode.LLVMTrunc or LLVMOpcode.LLVMZExt or LLVMOpcode.LLVMSExt
            or LLVMOpcode.LLVMSelect => true,
        LLVMOpcode.LLVMCall => Name(LLVM.GetCalledValue(i)).StartsWith("llvm.ctpop.", StringComparison.Ordinal), // parity
        _ => false,
    };

    static string Name(LLVMValueRef v)
    {
        nuint length;
        var text = LLVM.GetValueName2(v, &length);
        return Marshal.PtrToStringUTF8((nint)text, (int)length);
    }

    /// <summary>Who reads a value, and the block that it must be known in: of a phi, where it comes from.</summary>
    static List<(LLVMValueRef Reader, uint Operand, LLVMBasicBlockRef Block)> Readers(LLVMValueRef value)
    {
        var readers = new List<(LLVMValueRef, uint, LLVMBasicBlockRef)>();
        var seen = new HashSet<LLVMValueRef>();
        for (var use = LLVM.GetFirstUse(value); use.Handle != 0; use = LLVM.GetNextUse(use))
        {
            var reader = LLVM.GetUser(use);
            if (!seen.Add(reader)) continue;
            bool isPhi = LLVM.GetInstructionOpcode(reader) == LLVMOpcode.LLVMPHI;
            for (uint n = 0; n < (uint)LLVM.GetNumOperands(reader); n++)
                if (LLVM.GetOperand(reader, n) == value) readers.Add((reader, n, isPhi ? LLVM.GetIncomingBlock(reader, n) : LLVM.GetInstructionParent(reader)));
        }
        return readers;
    }

    static void Sink(ModuleWriter m, LLVMValueRef i, List<(LLVMValueRef Reader, uint Operand, LLVMBasicBlockRef Block)> readers)
    {
        foreach (var there in readers.GroupBy(r => r.Block))
        {
            var copy = LLVM.InstructionClone(i);
            LLVM.PositionBuilderBefore(m.B, FirstBehindPhis(there.Key));
            Restore(m, i, copy);
            LLVM.InsertIntoBuilder(m.B, copy);
            foreach (var r in there) LLVM.SetOperand(r.Reader, r.Operand, copy);
        }
        LLVM.InstructionEraseFromParent(i);
    }

    /// <summary>Operands that were added to are computed back from the sum: else a loop would keep what its counter was before beside what it is.</summary>
    static void Restore(ModuleWriter m, LLVMValueRef i, LLVMValueRef copy)
    {
        for (uint n = 0; n < (uint)LLVM.GetNumOperands(i); n++)
            if (Sum(LLVM.GetOperand(i, n), i) is { } sum) LLVM.SetOperand(copy, n, LLVM.BuildSub(m.B, sum, LLVM.GetOperand(sum, 1), ""));
    }

    /// <summary>What the block of an instruction makes of a value by an addition.</summary>
    static LLVMValueRef? Sum(LLVMValueRef value, LLVMValueRef i)
    {
        for (var use = LLVM.GetFirstUse(value); use.Handle != 0; use = LLVM.GetNextUse(use))
            if (LLVM.GetUser(use) is var user && user != i && LLVM.IsAInstruction(user).Handle != 0 && LLVM.GetInstructionOpcode(user) == LLVMOpcode.LLVMAdd
                && LLVM.GetOperand(user, 0) == value && LLVM.GetInstructionParent(user) == LLVM.GetInstructionParent(i)) return user;
        return null;
    }

    static LLVMValueRef FirstBehindPhis(LLVMBasicBlockRef b)
    {
        var i = LLVM.GetFirstInstruction(b);
        while (LLVM.GetInstructionOpcode(i) == LLVMOpcode.LLVMPHI) i = LLVM.GetNextInstruction(i);
        return i;
    }
}
