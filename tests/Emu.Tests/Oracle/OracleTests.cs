using System.Globalization;
using Iced.Intel;
using Xunit;

namespace Emu.Tests.Oracle;

/// <summary>The oracle itself: one line an instruction for its rules, and what must hold of every tiny guest's native run.</summary>
public class OracleTests
{
    /// <summary>Bytes | events. Before each: register n of the encoding order holds 0x1000 * (n + 1), so rsp is 5000; ZF as said.</summary>
    [Theory]
    [InlineData("ff 33              push [rbx]", "load 4000 8, store 4ff8 8")]
    [InlineData("ff 34 24           push [rsp]", "load 5000 8, store 4ff8 8")]
    [InlineData("66 6a 05           push word 5", "store 4ffe 2")]
    [InlineData("54                 push rsp", "store 4ff8 8")]
    [InlineData("9c                 pushfq", "store 4ff8 8")]
    [InlineData("9d                 popfq", "load 5000 8")]
    [InlineData("5b                 pop rbx", "load 5000 8")]
    [InlineData("8f 03              pop [rbx]", "load 5000 8, store 4000 8")]
    [InlineData("8f 44 24 08        pop [rsp+8]", "load 5000 8, store 5010 8")]
    [InlineData("66 8f 04 24        pop word [rsp]", "load 5000 2, store 5002 2")]
    [InlineData("e8 00 00 00 00     call", "store 4ff8 8")]
    [InlineData("ff 13              call [rbx]", "load 4000 8, store 4ff8 8")]
    [InlineData("ff 23              jmp [rbx]", "load 4000 8")]
    [InlineData("c3                 ret", "load 5000 8")]
    [InlineData("c2 10 00           ret 16", "load 5000 8")]
    [InlineData("c9                 leave", "load 6000 8")]
    [InlineData("c8 10 00 00        enter 16,0", "store 4ff8 8")]
    [InlineData("c8 10 00 01        enter 16,1", "store 4ff8 8, store 4ff0 8")]
    [InlineData("c8 10 00 03        enter 16,3", "store 4ff8 8, load 5ff8 8, store 4ff0 8, load 5ff0 8, store 4fe8 8, store 4fe0 8")]
    [InlineData("a4                 movsb", "load 7000 1, store 8000 1")]
    [InlineData("48 a5              movsq", "load 7000 8, store 8000 8")]
    [InlineData("48 a7              cmpsq", "load 7000 8, load 8000 8")]
    [InlineData("66 af              scasw", "load 8000 2")]
    [InlineData("ab                 stosd", "store 8000 4")]
    [InlineData("ac                 lodsb", "load 7000 1")]
    [InlineData("01 03              add [rbx],eax", "load 4000 4, store 4000 4")]
    [InlineData("f0 48 01 03        lock add [rbx],rax", "load 4000 8 locked, store 4000 8 locked")]
    [InlineData("86 03              xchg [rbx],al", "load 4000 1 locked, store 4000 1 locked")]
    [InlineData("0f c1 03           xadd [rbx],eax", "load 4000 4, store 4000 4")]
    [InlineData("d3 23              shl [rbx],cl", "load 4000 4, store 4000 4")]
    [InlineData("0f b1 0b           cmpxchg [rbx],ecx", "load 4000 4")]
    [InlineData("0f b1 0b zf        cmpxchg [rbx],ecx", "load 4000 4, store 4000 4")]
    [InlineData("f0 0f c7 0b zf     lock cmpxchg8b", "load 4000 8 locked, store 4000 8 locked")]
    [InlineData("48 0f c7 0b        cmpxchg16b", "load 4000 16")]
    [InlineData("0f ab 03           bts [rbx],eax", "load 4200 4, store 4200 4")]
    [InlineData("48 0f a3 0b        bt [rbx],rcx", "load 4400 8")]
    [InlineData("0f ba 23 3f        bt dword [rbx],63", "load 4000 4")]
    [InlineData("d7                 xlat", "load 4000 1")]
    [InlineData("0f 44 03           cmove eax,[rbx]", "load 4000 4")]
    [InlineData("0f 94 03           sete [rbx]", "store 4000 1")]
    [InlineData("8d 03              lea eax,[rbx]", "")]
    [InlineData("0f 1f 03           nop [rbx]", "")]
    [InlineData("0f 18 0b           prefetcht0 [rbx]", "")]
    [InlineData("0f 05              syscall", "")]
    [InlineData("39 03              cmp [rbx],eax", "load 4000 4")]
    [InlineData("f7 23              mul dword [rbx]", "load 4000 4")]
    [InlineData("db 2b              fld tword [rbx]", "load 4000 10")]
    [InlineData("db 3b              fstp tword [rbx]", "store 4000 10")]
    [InlineData("df 23              fbld [rbx]", "load 4000 10")]
    [InlineData("de 03              fiadd word [rbx]", "load 4000 2")]
    [InlineData("d9 33              fnstenv [rbx]", "store 4000 28")]
    [InlineData("dd 33              fnsave [rbx]", "store 4000 108")]
    [InlineData("d9 3b              fnstcw [rbx]", "store 4000 2")]
    [InlineData("dd 3b              fnstsw [rbx]", "store 4000 2")]
    [InlineData("0f ae 03           fxsave [rbx]", "store 4000 512")]
    [InlineData("0f ae 0b           fxrstor [rbx]", "load 4000 512")]
    [InlineData("0f ae 1b           stmxcsr [rbx]", "store 4000 4")]
    [InlineData("f3 0f 10 03        movss xmm0,[rbx]", "load 4000 4")]
    [InlineData("0f 16 03           movhps xmm0,[rbx]", "load 4000 8")]
    [InlineData("0f 17 03           movhps [rbx],xmm0", "store 4000 8")]
    [InlineData("66 0f 38 30 03     pmovzxbw xmm0,[rbx]", "load 4000 8")]
    [InlineData("66 0f 3a 20 03 01  pinsrb xmm0,[rbx],1", "load 4000 1")]
    [InlineData("66 0f 3a 14 03 01  pextrb [rbx],xmm0,1", "store 4000 1")]
    [InlineData("f3 0f e6 03        cvtdq2pd xmm0,[rbx]", "load 4000 8")]
    [InlineData("67 8b 44 8b 04     mov eax,[ebx+ecx*4+4]", "load c004 4")]
    public void Rule(string instruction, string events)
    {
        var words = instruction.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var bytes = words.TakeWhile(IsByte).Select(w => byte.Parse(w, NumberStyles.HexNumber)).ToArray();
        var decoded = Decoder.Create(64, new ByteArrayCodeReader(bytes), 0x400000).Decode();
        Assert.Equal(bytes.Length, decoded.Length);
        var before = new Step(0x400000, 0x202, [.. Enumerable.Range(1, 16).Select(n => 0x1000ul * (ulong)n)], 0, 0);
        var after = before with { Rflags = words.Contains("zf") ? 0x242ul : 0x202 };
        var seen = MemoryRules.Of(decoded, before, after).Select(e => e.ToString()["400000 ".Length..]);
        Assert.Equal(events, string.Join(", ", seen));
    }

    static bool IsByte(string word) => word.Length == 2 && word.All(char.IsAsciiHexDigitLower);

    /// <summary>A run ends with exit_group; every branch goes where the next record is; stack arithmetic follows the stack's events.</summary>
    [Theory]
    [MemberData(nameof(TinyGuests.All), MemberType = typeof(TinyGuests))]
    public void Native_run_is_whole(string guest)
    {
        var trace = TinyGuests.Trace(guest);
        Assert.True(trace.Exited);
        Assert.Equal(Mnemonic.Syscall, trace.Instructions[^1].Instruction.Mnemonic);
        Assert.Equal(231ul, trace.Instructions[^1].Before.Gpr[Step.Rax]);
        foreach (var (now, next) in trace.Instructions.Zip(trace.Instructions.Skip(1)))
            if (now.Instruction.FlowControl == FlowControl.Next)
                Assert.Equal(now.Instruction.NextIP, next.Before.Rip);
    }

    /// <summary>A rep of n makes n iterations of events and counts as one instruction.</summary>
    [Fact]
    public void Rep_is_one_instruction()
    {
        var stores = TinyGuests.Trace("strings").Instructions.Where(i => i.Instruction is { Mnemonic: Mnemonic.Stosw, HasRepPrefix: true }).ToList();
        Assert.Equal([0, 1, 5, 4], stores.Select(i => i.Events.Count));
        Assert.True(stores[3].Events[0].Address > stores[3].Events[1].Address);
    }

    [Fact]
    public void Failed_exchange_does_not_store()
    {
        var exchanges = TinyGuests.Trace("locked").Instructions.Where(i => i.Instruction.Mnemonic == Mnemonic.Cmpxchg16b).ToList();
        Assert.Equal([2, 1], exchanges.Select(i => i.Events.Count));
    }
}
