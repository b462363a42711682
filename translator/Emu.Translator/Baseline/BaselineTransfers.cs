using Emu.Ir;
using Emu.Translator.Lowering;
using Emu.Translator.Passes;
using Iced.Intel;
using Block = Emu.Ir.Block;
using Label = Emu.Ir.Label;

namespace Emu.Translator.Baseline;

/// <summary>
/// Entry, terminators and safepoints. Everything of the guest is in the state, so that the core's functions are called as they are; what travels
/// is loaded into host registers on the way to another region only.
/// </summary>
public sealed partial class BaselineCompiler
{
    /// <summary>The region's first act is to give its arguments to the state; one that is not valid, or retired, leads to what the table of regions has by now.</summary>
    void Enter()
    {
        bool guards = demand.Guard.Kind != GuardKind.None;
        int start = code.NewLabel(), stale = code.NewLabel();
        code.Mark(start);
        if (guards)
        {
            const int valid = 1;
            code.Add(Instruction.Create(Code.Cmp_rm8_imm8, Absolute(), valid), "emu_valid_cell");
            code.Jump(Cc.Ne, stale);
        }
        EnterFrame();
        if (demand.Guard.Kind == GuardKind.Bytes) EnterIfSame();
        if (demand.IsChecked(f.Entry)) CheckLimit(f.Blocks[0].Label);
        if (counts) Count(f.Entry);
        if (f.Blocks.Count > 0) code.Jump(blocks[f.Blocks[0].Label]);
        if (!guards) return;
        code.Mark(stale);
        Constant(11, f.Entry);
        code.AddressOf(10, start);
        code.JumpTo(BaselineStubs.Elsewhere);
    }

    void EnterIfSame()
    {
        int different = code.NewLabel();
        CompareBytes(different, f.Entry);
        later.Enqueue(() =>
        {
            code.Mark(different);
            LeaveFrame();
            Constant(Rax, f.Entry);
            code.JumpTo(BaselineStubs.Again);
        });
    }

    void EnterFrame()
    {
        pc = f.Entry;
        Row();
        code.Call(BaselineStubs.Keep);
        code.Add(Instruction.Create(Code.Sub_rm64_imm32, Iced.Intel.Register.RSP, 0));
        frames.Add(code.Size - 4);
    }

    void LeaveFrame()
    {
        code.Add(Instruction.Create(Code.Add_rm64_imm32, Iced.Intel.Register.RSP, 0));
        frames.Add(code.Size - 4);
    }

    void SetRip(ulong to) => StoreConstant(State(GuestState.Rip), to, 8);

    // --- Terminators ---

    void Transfer(Inst i)
    {
        switch (i.Op)
        {
            case Op.Goto: Goto(((Detail.Target)i.Detail!).Then); break;
            case Op.Branch when i.Detail is Detail.Target t:
                int condition = InRegister(i.Args[0], Rcx);
                code.Add(Instruction.Create(Code.Test_rm32_r32, R32(condition), R32(condition)));
                code.Jump(Cc.Ne, Edge(t.Then));
                Goto(t.Else!.Value);
                break;
            case Op.Jump: JumpTo(i.Args[0]); break;
            case Op.CallTo: CallRegion(i, ((Detail.Target)i.Detail!).Then); break;
            case Op.Ret:
                StoreScalar(State(GuestState.Rip), InRegister(i.Args[0], Rax), 8);
                Leave();
                break;
            case Op.Syscall: SystemCall(((Detail.Target)i.Detail!).Then); break;
            case Op.Deliver: CallAndGoOn("emu_deliver", ((Detail.Target)i.Detail!).Then, ((Detail.Target)i.Detail!).Then.Address); break;
            case Op.Trap: Trap((Detail.Reason)i.Detail!); break;
            default: throw NoEncoding(i);
        }
    }

    bool IsBack(Label to) => Guard.ClosesLoop(block, to);

    bool Asks(Label to) => demand.Guard.Asks(block, to);

    void Goto(Label to) => Goto(to, Asks(to));

    void Goto(Label to, bool asks)
    {
        if (to != following || IsBack(to)) code.Jump(Edge(to, asks));
        else if (asks) JumpIfStale(ExitEdge(to), to);
    }

    int Edge(Label to) => Edge(to, Asks(to));

    /// <summary>The host label of a guest label; for one outside the region, or back, or where the region asks whether it is still valid, code that goes there.</summary>
    int Edge(Label to, bool asks)
    {
        if (!blocks.TryGetValue(to, out int inside)) return ExitEdge(to);
        bool back = IsBack(to);
        if (!back && !asks) return inside;
        return Later(() =>
        {
            if (asks) JumpIfStale(ExitEdge(to), to);
            if (back) GoBack(to);
            else code.Jump(inside);
        });
    }

    int ExitEdge(Label to) => Later(() => Exit(to));

    /// <summary>The label of code that comes behind all blocks.</summary>
    int Later(Action write)
    {
        var (label, where) = (code.NewLabel(), pc);
        later.Enqueue(() =>
        {
            code.Mark(label);
            pc = where;
            Row();
            write();
        });
        return label;
    }

    /// <summary>Leaves the region for a PC that is known.</summary>
    void Exit(Label to)
    {
        if (to.Part == 0 && demand.IsRoot(to.Address))
        {
            LeaveFrame();
            code.Add(Instruction.Create(Code.Mov_r32_imm32, Iced.Intel.Register.R11D, 0), ModuleSymbols.RegionName(to.Address));
            code.JumpTo(BaselineStubs.Go);
        }
        else if (to.Part == 0 && demand.Guard.Kind != GuardKind.None)
        {
            Constant(Rax, to.Address);
            LeaveFrame();
            code.JumpTo(BaselineStubs.Jump);
        }
        else
        {
            SetRip(to.Address);
            Leave();
        }
    }

    void Leave()
    {
        LeaveFrame();
        code.JumpTo(BaselineStubs.Leave);
    }

    void JumpTo(Value target)
    {
        Move(Rax, Arg(target));
        LeaveFrame();
        code.JumpTo(BaselineStubs.Jump);
    }

    void CallRegion(Inst i, Label next)
    {
        if (i.Args[0] is Const c && demand.IsRoot((ulong)c.Bits))
        {
            code.Add(Instruction.Create(Code.Mov_r32_imm32, Iced.Intel.Register.R11D, 0), ModuleSymbols.RegionName((ulong)c.Bits));
            code.Call(BaselineStubs.Load);
        }
        else
        {
            Move(Rax, Arg(i, 0));
            code.Call(BaselineStubs.Find);
        }
        code.Add(Instruction.Create(Code.Call_rm64, Iced.Intel.Register.R11));
        code.Call(BaselineStubs.Results);
        ContinueAt(next, next.Address);
    }

    /// <summary>Goes on at <paramref name="next"/> when the guest is at <paramref name="rip"/>; otherwise the region is left as the state says.</summary>
    void ContinueAt(Label next, ulong rip)
    {
        int elsewhere = code.NewLabel();
        if ((long)rip == (int)rip) code.Add(Instruction.Create(Code.Cmp_rm64_imm32, State(GuestState.Rip), (int)rip));
        else
        {
            Constant(Rax, rip);
            code.Add(Instruction.Create(Code.Cmp_rm64_r64, State(GuestState.Rip), R64(Rax)));
        }
        code.Jump(Cc.Ne, elsewhere);
        later.Enqueue(() =>
        {
            code.Mark(elsewhere);
            Leave();
        });
        // Whatever ran in between may have changed this region's code.
        if (demand.Guard.Kind != GuardKind.None && next.Part == 0 && blocks.ContainsKey(next)) JumpIfStale(ExitEdge(next), next);
        Goto(next, asks: false);
    }

    /// <summary>A system call may put the guest somewhere else (sigreturn): then this region is left, too. A watched one goes on inside the instruction.</summary>
    void SystemCall(Label next)
    {
        const int length = 2;
        if (next.Part == 0) CallAndGoOn("emu_syscall", next, next.Address);
        else CallAndGoOn("emu_syscall_watched", next, next.Address + length);
    }

    void CallAndGoOn(string function, Label next, ulong rip)
    {
        SetRip(rip);
        code.Call(function);
        ContinueAt(next, rip);
    }

    void CallHelper(string name)
    {
        var image = StateImage.Of(name);
        if (image is { } form) StoreConstant(State(GuestState.Form), (ulong)form.Number, 8);
        SetRip(pc);
        code.Call(image != null ? "emu_helper_image" : $"emu_helper_{name}");
    }

    void Trap(Detail.Reason reason)
    {
        SetRip(pc);
        StoreConstant(State(GuestState.TrapSignal), (ulong)reason.Signal, 8);
        code.Call(BaselineStubs.Text);
        code.Bytes([.. System.Text.Encoding.UTF8.GetBytes(reason.Text), 0]);
        Row();
        code.Call("emu_trapped");
        Leave();
    }

    // --- Validity and safepoints ---

    void JumpIfStale(int stale, Label at)
    {
        code.Add(Instruction.Create(Code.Cmp_rm8_imm8, Absolute(), 0), "emu_valid_cell");
        code.Jump(Cc.E, stale);
        if (demand.Guard.Kind == GuardKind.Bytes) CompareBytes(stale, at);
    }

    /// <summary>Whether the bytes of a block are others than those that were translated. Operands of the terminator stay where they are.</summary>
    void CompareBytes(int stale, Label at)
    {
        foreach (var (address, bytes) in demand.Guard.Of(f.Blocks.Find(b => b.Label == at)!)) JumpIfDiffers(address, bytes.Span, stale);
    }

    void JumpIfDiffers(ulong address, ReadOnlySpan<byte> bytes, int stale)
    {
        Constant(Rdi, address);
        for (int n = 0, size; n < bytes.Length; n += size)
        {
            size = bytes.Length - n >= 4 ? 4 : bytes.Length - n >= 2 ? 2 : 1;
            var place = new MemoryOperand(Iced.Intel.Register.RDI, n, n == 0 ? 0 : n < 128 ? 1 : 8);
            code.Add(size switch
            {
                4 => Instruction.Create(Code.Cmp_rm32_imm32, place, System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[n..])),
                2 => Instruction.Create(Code.Cmp_rm16_imm16, place, (uint)System.Buffers.Binary.BinaryPrimitives.ReadUInt16LittleEndian(bytes[n..])),
                _ => Instruction.Create(Code.Cmp_rm8_imm8, place, (uint)bytes[n]),
            });
            code.Jump(Cc.Ne, stale);
        }
    }

    /// <summary>An edge back: here signals are taken, and here a region that is hot is left for one of the next tier.</summary>
    void GoBack(Label to)
    {
        CheckLimit(to);
        if (counts) Count(to.Address);
        code.Jump(blocks[to]);
    }

    /// <summary>In front of a block: the core does what waits, and throws host frames away where there is no room for more.</summary>
    void CheckLimit(Label to)
    {
        int visit = code.NewLabel();
        code.Add(Instruction.Create(Code.Cmp_r64_rm64, Iced.Intel.Register.RSP, State(GuestState.HostLimit)));
        code.Jump(Cc.B, visit);
        later.Enqueue(() =>
        {
            code.Mark(visit);
            SetRip(to.Address);
            code.Call("emu_visited");
            code.Add(Instruction.Create(Code.Test_rm8_r8, Iced.Intel.Register.AL, Iced.Intel.Register.AL));
            int leave = code.NewLabel();
            code.Jump(Cc.Ne, leave);
            if (demand.Guard.Kind != GuardKind.None) JumpIfStale(ExitEdge(to), to);
            code.Jump(blocks[to]);
            code.Mark(leave);
            Leave();
        });
    }

    /// <summary>The region's count of what is left until the core is asked whether there is a better one for this place.</summary>
    void Count(ulong place)
    {
        int hot = code.NewLabel(), cold = code.NewLabel();
        code.Add(Instruction.Create(Code.Inc_rm32, Absolute()), "emu_heat_cell");
        code.Jump(Cc.E, hot);
        code.Mark(cold);
        later.Enqueue(() =>
        {
            code.Mark(hot);
            code.Add(Instruction.Create(Code.Mov_r32_imm32, R32(Rdi), 0), "emu_heat_cell");
            Constant(Rsi, place);
            code.Call("emu_hot");
            code.Add(Instruction.Create(Code.Test_rm64_r64, R64(Rax), R64(Rax)));
            code.Jump(Cc.E, cold);
            Move(11, Operand.Of(Rax));
            LeaveFrame();
            code.JumpTo(BaselineStubs.Go);
        });
    }
}
