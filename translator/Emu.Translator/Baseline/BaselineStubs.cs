using Emu.Ir;
using Emu.Translator.Lowering;
using Iced.Intel;

namespace Emu.Translator.Baseline;

/// <summary>
/// What all regions of the first tier share: the guest's registers between the state and the host registers of <see cref="Abi"/>. Written once for
/// each code cache.
/// </summary>
public static class BaselineStubs
{
    /// <summary>Called: arguments of a region to the state. Keeps all registers.</summary>
    public const string Keep = "emu_b_keep";

    /// <summary>Called: arguments of a region from the state. Keeps r11.</summary>
    public const string Load = "emu_b_load";

    /// <summary>Called: r11 = region of the guest PC in rax, and its arguments from the state.</summary>
    public const string Find = "emu_b_find";

    /// <summary>Called: results of a region to the state.</summary>
    public const string Results = "emu_b_results";

    /// <summary>Jumped to: returns to the caller as the state says.</summary>
    public const string Leave = "emu_b_leave";

    /// <summary>Jumped to: the region in r11.</summary>
    public const string Go = "emu_b_go";

    /// <summary>Jumped to: the region of the guest PC in rax.</summary>
    public const string Jump = "emu_b_jump";

    /// <summary>The same, asking the core: for a region that is what the table still has.</summary>
    public const string Again = "emu_b_again";

    /// <summary>Jumped to where a region is entered: the region of the guest PC in r11, which is not the one at r10.</summary>
    public const string Elsewhere = "emu_b_elsewhere";

    /// <summary>Called with a text behind the call: goes on behind the text, which is that of a trap.</summary>
    public const string Text = "emu_b_text";

    /// <summary>The code and where each of them starts.</summary>
    public static (byte[] Text, IReadOnlyList<Reference> References, IReadOnlyDictionary<string, int> Starts) Write()
    {
        var code = new HostCode();
        var starts = new Dictionary<string, int>();
        void Start(string name) => starts[name] = code.Size;

        Start(Keep);
        StoreAll(code, Abi.In);
        code.Add(Instruction.Create(Code.Retnq));
        Start(Load);
        LoadAll(code, Abi.In);
        code.Add(Instruction.Create(Code.Retnq));
        Start(Find);
        Probe(code);
        LoadAll(code, Abi.In);
        code.Add(Instruction.Create(Code.Retnq));
        Start(Results);
        StoreAll(code, Abi.Out);
        code.Add(Instruction.Create(Code.Retnq));
        Start(Leave);
        LoadAll(code, Abi.Out);
        code.Add(Instruction.Create(Code.Retnq));
        Start(Jump);
        Probe(code);
        Start(Go);
        LoadAll(code, Abi.In);
        code.Add(Instruction.Create(Code.Jmp_rm64, Register.R11));
        Start(Elsewhere);
        int again = code.NewLabel();
        ProbeElsewhere(code, again);
        StoreAll(code, Abi.In);
        code.Add(Instruction.Create(Code.Mov_r64_rm64, Register.RAX, Register.R11));
        Start(Again);
        Ask(code);
        LoadAll(code, Abi.In);
        code.Add(Instruction.Create(Code.Jmp_rm64, Register.R11));
        Start(Text);
        SkipText(code);
        return (code.Finish(), code.References, starts);
    }

    static MemoryOperand State(int offset) => new(Register.None, Register.None, 1, offset, 8, false, Register.FS);

    /// <summary>The guest registers of a list with the host registers that they are in, and what loads and stores those.</summary>
    static IEnumerable<(Register Host, MemoryOperand Place, Code Load, Code Store)> Carried(IReadOnlyList<string> registers)
    {
        foreach (var (n, r) in registers.Index())
        {
            var (load, store) = r[0] == 'y' ? (Code.VEX_Vmovaps_xmm_xmmm128, Code.VEX_Vmovaps_xmmm128_xmm)
                : Abi.IsInVector(n) ? (Code.VEX_Vmovq_xmm_xmmm64, Code.VEX_Vmovq_xmmm64_xmm) : (Code.Mov_r64_rm64, Code.Mov_rm64_r64);
            yield return (Enum.Parse<Register>(Abi.HostRegisters[n], ignoreCase: true), State(r == Abi.Rip ? GuestState.Rip : GuestState.Offset(r)), load, store);
        }
    }

    static void StoreAll(HostCode code, IReadOnlyList<string> registers)
    {
        foreach (var (host, place, _, store) in Carried(registers)) code.Add(Instruction.Create(store, place, host));
    }

    static void LoadAll(HostCode code, IReadOnlyList<string> registers)
    {
        foreach (var (host, place, load, _) in Carried(registers)) code.Add(Instruction.Create(load, host, place));
    }

    /// <summary>One probe of the dispatch table, as generated code makes it inline (Lowering/Transfers.cs); a signal that waits leads to the core.</summary>
    static void Probe(HostCode code)
    {
        int miss = code.NewLabel(), found = code.NewLabel();
        CompareFirst(code, Register.RCX, Register.RAX);
        code.Jump(Cc.Ne, miss);
        code.Add(Instruction.Create(Code.Cmp_r64_rm64, Register.RSP, State(GuestState.HostLimit)));
        code.Jump(Cc.B, miss);
        code.Add(Instruction.Create(Code.Mov_r64_rm64, Register.R11, new MemoryOperand(Register.RCX, 8L, 8)), "emu_dispatch_table");
        code.Jump(found);
        code.Mark(miss);
        Ask(code);
        code.Mark(found);
    }

    /// <summary>The same with the arguments still in their registers.</summary>
    static void ProbeElsewhere(HostCode code, int again)
    {
        var own = new MemoryOperand(Register.RSP);
        code.Add(Instruction.Create(Code.Push_r64, Register.R10));
        code.Add(Instruction.Create(Code.Cmp_r64_rm64, Register.RSP, State(GuestState.HostLimit)));
        code.Jump(Cc.B, again);
        CompareFirst(code, Register.R10, Register.R11);
        code.Jump(Cc.Ne, again);
        code.Add(Instruction.Create(Code.Mov_r64_rm64, Register.R10, new MemoryOperand(Register.R10, 8L, 8)), "emu_dispatch_table");
        code.Add(Instruction.Create(Code.Cmp_r64_rm64, Register.R10, own));
        code.Jump(Cc.E, again);
        code.Add(Instruction.Create(Code.Lea_r64_m, Register.RSP, new MemoryOperand(Register.RSP, 8L, 1)));
        code.Add(Instruction.Create(Code.Jmp_rm64, Register.R10));
        code.Mark(again);
        code.Add(Instruction.Create(Code.Pop_r64, Register.R10));
    }

    /// <summary>Puts the offset of a PC's first place in the dispatch table into a register, and compares the PC that is there with it.</summary>
    static void CompareFirst(HostCode code, Register at, Register pc)
    {
        const int entryShift = 4;
        code.Add(Instruction.Create(Code.Mov_r64_rm64, at, pc));
        code.Add(Instruction.Create(Code.Shl_rm64_imm8, at, entryShift));
        code.Add(Instruction.Create(Code.Xor_r64_rm64, at, pc));
        code.Add(Instruction.Create(Code.And_rm32_imm32, at.GetFullRegister32(), 0x7fffffff), "emu_dispatch_mask");
        code.Add(Instruction.Create(Code.Cmp_rm64_r64, new MemoryOperand(at, 0L, 8), pc), "emu_dispatch_table");
    }

    static void Ask(HostCode code)
    {
        code.Add(Instruction.Create(Code.Mov_r64_rm64, Register.RDI, Register.RAX));
        code.Call("emu_lookup_everything");
        code.Add(Instruction.Create(Code.Mov_r64_rm64, Register.R11, Register.RAX));
    }

    static void SkipText(HostCode code)
    {
        int next = code.NewLabel();
        code.Add(Instruction.Create(Code.Pop_r64, Register.RAX));
        code.Add(Instruction.Create(Code.Mov_rm64_r64, State(GuestState.TrapText), Register.RAX));
        code.Mark(next);
        code.Add(Instruction.Create(Code.Inc_rm64, Register.RAX));
        code.Add(Instruction.Create(Code.Cmp_rm8_imm8, new MemoryOperand(Register.RAX, -1L, 1), 0));
        code.Jump(Cc.Ne, next);
        code.Add(Instruction.Create(Code.Jmp_rm64, Register.RAX));
    }
}
