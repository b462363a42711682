using Emu.Instrumentation;
using Emu.Ir;

namespace Emu.Tests.Instrumentation;

/// <summary>The guest code of an IR text, known from its <c>insn</c> lines alone. Comments <c>; symbol main 0x401000 0x401100</c> give symbols.</summary>
sealed class TextGuest : IGuestCode, ISymbols
{
    readonly Dictionary<ulong, GuestInstruction> all = [];
    readonly List<(string Name, ulong From, ulong To)> symbols = [];

    public TextGuest(Function f, string text)
    {
        foreach (var line in text.Split('\n').Where(l => l.StartsWith("; symbol ", StringComparison.Ordinal)).Select(l => l.Split(' ')))
            symbols.Add((line[2], Convert.ToUInt64(line[3], 16), Convert.ToUInt64(line[4], 16)));
        foreach (var g in f.Blocks.SelectMany(b => b.Code).Select(i => i.Detail).OfType<Detail.Guest>()) all[g.Address] = Describe(g);
    }

    public GuestInstruction At(ulong pc) => all[pc];

    public GuestSymbol? SymbolAt(ulong address) => symbols.Where(s => address >= s.From && address < s.To).Select(s => new GuestSymbol(s.Name, s.From, address - s.From)).FirstOrDefault();

    GuestSymbol? ISymbols.At(ulong address) => SymbolAt(address);

    GuestInstruction Describe(Detail.Guest g)
    {
        var words = g.Text!.Split(' ');
        bool prefixed = words[0] is "lock" or "rep" or "repe";
        string mnemonic = words[prefixed ? 1 : 0];
        return new TextInstruction(g.Text)
        {
            Address = g.Address,
            Length = g.Length,
            Mnemonic = mnemonic,
            Class = mnemonic is "add" or "xadd" ? InstructionClass.Arithmetic : InstructionClass.Other,
            Target = mnemonic == "call" ? Convert.ToUInt64(words[^1], 16) : null,
            Branch = mnemonic switch { "ret" => BranchKind.Return, "call" => BranchKind.Call, "jmp" => BranchKind.Jump, "syscall" => BranchKind.SystemCall, ['j', ..] => BranchKind.Conditional, _ => BranchKind.None },
            IsLocked = words[0] == "lock" || mnemonic == "xchg",
            IsRepeated = words[0] is "rep" or "repe",
            Symbol = SymbolAt(g.Address),
            Function = SymbolAt(g.Address)?.Address ?? 0,
        };
    }

    sealed class TextInstruction(string text) : GuestInstruction
    {
        public override ReadOnlyMemory<byte> Bytes => new byte[Length];
        protected override IReadOnlyList<Operand> Decode() => [];
        protected override string Disassemble() => text;
    }
}
