using Emu.Instrumentation;
using Emu.Translator.Instrumentation;
using Iced.Intel;
using Xunit;

namespace Emu.Tests.Instrumentation;

/// <summary>Machine code as passes see it.</summary>
public class GuestCodeTests
{
    static GuestInstruction Of(string hex)
    {
        var bytes = Convert.FromHexString(hex.Replace(" ", ""));
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(bytes), 0x401000);
        decoder.Decode(out var i);
        return new IcedGuestCode(_ => i, (_, length) => bytes.AsMemory(0, length), a => new("main", 0x400000, a - 0x400000), _ => null).At(0x401000);
    }

    static string Show(Operand o) => o switch
    {
        Operand.Register r => $"{r.Name}:{r.Size}",
        Operand.Immediate i => $"{i.Value}:{i.Size}",
        Operand.Memory m => $"{(m.Segment is { } s ? s + ":" : "")}[{m.Base}+{m.Index}*{m.Scale}+{m.Displacement}]:{m.Size}",
        _ => "?",
    } + (o.Read ? "r" : "") + (o.Written ? "w" : "");

    [Theory]
    [InlineData("48 01 c8", "add", InstructionClass.Arithmetic, "rax:8rw rcx:8r")]
    [InlineData("8b 44 8b 10", "mov", InstructionClass.Move, "eax:4w [rbx+rcx*4+16]:4r")]
    [InlineData("c6 07 05", "mov", InstructionClass.Move, "[rdi+*1+0]:1w 5:1r")]
    [InlineData("48 83 c0 ff", "add", InstructionClass.Arithmetic, "rax:8rw -1:8r")]
    [InlineData("48 8d 05 10 00 00 00", "lea", InstructionClass.Address, "rax:8w [rip+*1+4198423]:0")]
    [InlineData("64 48 8b 04 25 28 00 00 00", "mov", InstructionClass.Move, "rax:8w fs:[+*1+40]:8r")]
    [InlineData("50", "push", InstructionClass.Stack, "rax:8r [rsp+*1+-8]:8w rsp:8rw")]
    [InlineData("f3 aa", "stosb", InstructionClass.String, null)]
    [InlineData("f3 a4", "movsb", InstructionClass.String, null)]
    [InlineData("f2 0f 58 c1", "addsd", InstructionClass.Sse, "xmm0:16rw xmm1:16r")]
    [InlineData("f2 0f 10 00", "movsd", InstructionClass.Sse, null)]
    [InlineData("a5", "movsd", InstructionClass.String, null)]
    [InlineData("d9 c0", "fld", InstructionClass.X87, null)]
    [InlineData("0f 94 c0", "sete", InstructionClass.SetCondition, "al:1w")]
    [InlineData("c5 f8 58 c1", "vaddps", InstructionClass.Avx, null)]
    [InlineData("c4 e2 78 f2 c1", "andn", InstructionClass.Logic, null)]
    [InlineData("f3 0f 1e fa", "endbr64", InstructionClass.Nop, "")]
    [InlineData("d3 e0", "shl", InstructionClass.Shift, "eax:4rw cl:1r")]
    [InlineData("0f 20 c0", "mov", InstructionClass.System, null)]
    [InlineData("8e d8", "mov", InstructionClass.System, null)]
    [InlineData("0f a2", "cpuid", InstructionClass.System, null)]
    [InlineData("66 0f 6f 00", "movdqa", InstructionClass.Sse, null)]
    [InlineData("66 0f 38 dc c1", "aesenc", InstructionClass.Crypto, null)]
    public void Decoded(string hex, string mnemonic, InstructionClass c, string? operands)
    {
        var i = Of(hex);
        Assert.Equal((mnemonic, c, i.Bytes.Length), (i.Mnemonic, i.Class, i.Length));
        if (operands != null) Assert.Equal(operands, string.Join(' ', i.Operands.Select(Show)));
    }

    [Theory]
    [InlineData("eb 10", BranchKind.Jump, InstructionClass.Jump, 0x401012ul)]
    [InlineData("ff e0", BranchKind.IndirectJump, InstructionClass.Jump, null)]
    [InlineData("74 10", BranchKind.Conditional, InstructionClass.Branch, 0x401012ul)]
    [InlineData("e2 10", BranchKind.Conditional, InstructionClass.Branch, 0x401012ul)]
    [InlineData("e3 10", BranchKind.Conditional, InstructionClass.Branch, 0x401012ul)]
    [InlineData("e8 00 01 00 00", BranchKind.Call, InstructionClass.Call, 0x401105ul)]
    [InlineData("ff 10", BranchKind.IndirectCall, InstructionClass.Call, null)]
    [InlineData("c3", BranchKind.Return, InstructionClass.Return, null)]
    [InlineData("0f 05", BranchKind.SystemCall, InstructionClass.SystemCall, null)]
    [InlineData("cc", BranchKind.Interrupt, InstructionClass.System, null)]
    [InlineData("90", BranchKind.None, InstructionClass.Nop, null)]
    public void Branches(string hex, BranchKind kind, InstructionClass c, ulong? target) => Assert.Equal((kind, c, target), (Of(hex).Branch, Of(hex).Class, Of(hex).Target));

    [Fact]
    public void Rest()
    {
        var i = Of("f0 48 0f c1 07");
        Assert.Equal((true, false, "lock xadd [rdi],rax", "main+0x1000", 0x401005ul), (i.IsLocked, i.IsRepeated, i.Disassembly, i.Symbol?.ToString(), i.Next));
        Assert.True(Of("48 87 07").IsLocked);
        Assert.False(Of("48 87 c1").IsLocked);
        Assert.True(Of("f3 a4").IsRepeated);
        Assert.False(Of("a4").IsRepeated);
        Assert.False(Of("f3 c3").IsRepeated);
        Assert.True(Of("a4").TouchesMemory);
        Assert.False(Of("48 8d 00").TouchesMemory);
    }
}
