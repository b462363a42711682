using Emu.Ir;
using LLVMSharp.Interop;

namespace Emu.Translator.Lowering;

/// <summary>Instructions of the host as inline assembly, with operands in guest memory where the guest's have them there.</summary>
public sealed partial class RegionLowering
{
    const LLVMInlineAsmDialect Intel = LLVMInlineAsmDialect.LLVMInlineAsmDialectIntel;
    LLVMValueRef scratch;

    /// <summary>16 aligned bytes, in a frame that is aligned to 8 (<see cref="ModuleSymbols"/>).</summary>
    LLVMValueRef AlignedScratch()
    {
        var room = m.Alloca(m.Int(192));
        LLVM.SetAlignment(room, 8);
        return m.ToPtr(m.And(m.Add(m.FromPtr(room), m.Const(8)), m.Const(~15ul)));
    }

    LLVMValueRef HostInstruction(Inst i)
    {
        if (folding.IsStored(i) || folding.IsMade(i)) return default;
        if (Folding.AsmOf(i).Operands is not ["=*m", ..]) return Host(i, default);
        // A pass wants the value. A store that faults must leave the x87 alone: so see first that it does not. And an exception that is
        // not masked may leave the operand as it is.
        foreach (var store in block.Code.Where(s => s.Op == Op.Store && s.Args[1] == i))
        {
            Touch(store);
            m.Store(state.Guest(m.Load(m.Type(i.Type), Flat(store), 1)), scratch);
        }
        Host(i, scratch);
        return m.Load(m.Type(i.Type), scratch);
    }

    /// <summary>A load that its user makes.</summary>
    LLVMValueRef LoadInto(Inst user)
    {
        if (Host(user, default) is { Handle: not 0 } v) values[user] = v;
        return default;
    }

    /// <summary>An instruction with its result in a register, or in memory at <paramref name="destination"/>.</summary>
    LLVMValueRef Host(Inst i, LLVMValueRef destination)
    {
        var asm = Folding.AsmOf(i);
        if (i.Op == Op.Native && i.Args is [.., var last] && folding.UserOf(last) == i) asm = Natives.InMemory(asm, last.Type)!;
        var operands = asm.Operands;
        int first = asm.HasResult ? 1 : 0;
        var args = i.Args.Select((a, k) => operands[k + first] == "*m" ? InMemory(i, k) : Arg(i, k)).ToList();
        bool stores = operands is ["=*m", ..];
        if (stores) args.Insert(0, destination);
        var type = m.Function(asm.HasResult && !stores ? m.Type(i.Type) : m.Void, [.. args.Select(LLVM.TypeOf)]);
        var result = m.Asm(asm.Template, asm.Constraints, asm.HasSideEffects, type, Intel, [.. args]);
        if (stores) m.SetElementType(result, 0, m.Type(i.Type));
        for (int k = 0; k < i.Args.Length; k++) if (operands[k + first] == "*m") m.SetElementType(result, k + (stores ? 1 : 0), m.Type(i.Args[k].Type));
        return asm.HasResult && !stores ? result : default;
    }

    /// <summary>The pointer to an operand: the guest's memory, or scratch with the value in it.</summary>
    LLVMValueRef InMemory(Inst i, int n)
    {
        if (folding.UserOf(i.Args[n]) == i) return Flat((Inst)i.Args[n]);
        m.Store(Arg(i, n), scratch);
        return scratch;
    }

    /// <summary>Faults where a store would, at its first and last byte, and changes nothing.</summary>
    void Touch(Inst store)
    {
        foreach (int at in new[] { 0, store.Args[1].Type.Bytes - 1 })
            m.Asm("lock or byte ptr [$0], 0", "r,~{memory},~{flags}", true, m.Function(m.Void, m.Ptr), Intel, m.Offset(Flat(store), at));
    }

    /// <summary>vmovaps and not a load: LLVM would make it an operand of a VEX instruction, which does not fault.</summary>
    LLVMValueRef LoadAligned(Inst i)
    {
        var v = m.Asm("vmovaps $0, [$1]", "=x,r,~{memory}", true, m.Function(InMemory(i.Type), m.Ptr), Intel, Flat(i));
        return m.Bits(v, m.Type(i.Type));
    }

    void StoreAligned(Inst i, LLVMValueRef v) => m.Asm("vmovaps [$0], $1", "r,x,~{memory}", true, m.Function(m.Void, m.Ptr, LLVM.TypeOf(v)), Intel, Flat(i), v);

    /// <summary>The address of an access as a plain pointer.</summary>
    LLVMValueRef Flat(Inst i) => (i.Detail as Detail.Access)?.Segment == "fs" ? m.ToPtr(m.Add(Arg(i, 0), SegmentBase("fsbase"))) : Pointer(i);
}
