using System.Diagnostics;
using System.Globalization;
using System.Text;
using Emu.Tests.Lift;

namespace Emu.Tests.Programs;

/// <summary>
/// Random programs in assembly, natively against translated, ahead of time and at run time. Each function does something of its own to registers, or to
/// the stack; what it reads is added up in memory, and the program prints the sum.
/// </summary>
sealed class AssemblyFuzz(ulong seed)
{
    const int Sum = 0x7000000; // an address that all modules know

    static readonly string[] registers =
        ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "rbx", "r12", "r13", "r14", .. Enumerable.Range(0, 16).Select(n => $"xmm{n}")];
    static readonly string[] results = ["rax", "rdx", "xmm0", "xmm1"];

    readonly Dice dice = new(seed);
    readonly StringBuilder text = new();
    int labels;

    void Line(string line) => text.Append('\t').Append(line).Append('\n');

    string Any(IReadOnlyList<string> of) => of[dice.Next(of.Count)];

    IEnumerable<string> Some(int oneIn) => registers.Where(_ => dice.OneIn(oneIn));

    void Set(string register)
    {
        if (register[0] == 'x') Line($"movq number{dice.Next(4)}(%rip), %{register}");
        else Line($"mov ${dice.Next()}, %{register}");
    }

    void Add(string register)
    {
        Line($"rolq $7, {Sum}");
        if (register[0] != 'x') Line($"xorq %{register}, {Sum}");
        else foreach (string line in (string[])["push %rax", $"movq %{register}, %rax", $"xorq %rax, {Sum}", "pop %rax"]) Line(line);
    }

    // --- Conventions ---

    /// <summary>
    /// A function of the program: what it reads before it writes it, what of that code reads which it calls by a way that hides it, and what it has changed
    /// when it returns.
    /// </summary>
    sealed record Callee(int Number, int Module)
    {
        public HashSet<string> Needs { get; } = [];
        public HashSet<string> Hidden { get; } = [];
        public HashSet<string> Changes { get; } = [];
    }

    /// <summary>Functions that read, change and keep any registers, in so many modules (the first is the program), by all ways to call and to jump.</summary>
    public string[] Conventions(int functions, int modules)
    {
        var texts = Enumerable.Range(0, modules).Select(_ => new StringBuilder()).ToArray();
        var known = new List<Callee>();
        for (int n = 0; n < functions; n++)
        {
            int module = dice.Next(modules);
            text.Clear();
            known.Add(Body(n, module, known));
            texts[module].Append($"\t.globl f{n}\n\t.type f{n}, @function\nf{n}:\nl{n}:\n").Append(text).Append($"\t.size f{n}, .-f{n}\n");
        }
        text.Clear();
        var main = new Callee(functions, 0);
        foreach (string r in registers) Set(r);
        for (int n = functions; n-- > 0;) Call(known[n], main, jump: false);
        foreach (string r in registers) Add(r);
        texts[0].Append(Start(text.ToString()));
        return [.. texts.Select(t => ".text\n" + t + Data(known))];
    }

    Callee Body(int number, int module, List<Callee> known)
    {
        var f = new Callee(number, module);
        var saved = Some(dice.Next(2, 12)).ToList();
        foreach (string r in saved) Save(r);
        for (int n = dice.Next(1, 10); n > 0; n--)
        {
            string r = Any(registers);
            if (known.Count > 0 && dice.OneIn(4)) Call(known[dice.Next(known.Count)], f, jump: false);
            else if (dice.OneIn(2))
            {
                Add(r);
                if (!f.Changes.Contains(r)) f.Needs.Add(r);
            }
            else
            {
                Set(r);
                f.Changes.Add(r);
            }
        }
        foreach (string r in Enumerable.Reverse(saved)) Restore(r);
        f.Changes.ExceptWith(saved);
        if (known.Count > 0 && dice.OneIn(4)) Call(known[dice.Next(known.Count)], f, jump: true);
        else Line("ret");
        return f;
    }

    void Save(string register)
    {
        if (register[0] != 'x') Line($"push %{register}");
        else foreach (string line in (string[])["sub $16, %rsp", $"movups %{register}, (%rsp)"]) Line(line);
    }

    void Restore(string register)
    {
        if (register[0] != 'x') Line($"pop %{register}");
        else foreach (string line in (string[])[$"movups (%rsp), %{register}", "add $16, %rsp"]) Line(line);
    }

    /// <summary>Code that is called by a way that hides it gets what another callee has left in a register only where the psABI has results.</summary>
    void Call(Callee to, Callee from, bool jump)
    {
        string name = $"f{to.Number}", what = jump ? "jmp" : "call";
        int way = dice.Next(to.Module == from.Module ? 5 : 4);
        var hidden = way < 4 ? to.Needs : to.Hidden;
        foreach (string r in hidden)
            if (from.Changes.Contains(r) && !results.Contains(r)) Set(r);
        from.Needs.UnionWith(to.Needs.Except(from.Changes));
        from.Hidden.UnionWith(hidden.Except(from.Changes));
        switch (way)
        {
            case 0: Line($"{what} {name}@PLT"); break;
            case 1: Line($"{what} *{name}@GOTPCREL(%rip)"); break;
            case 2: Line($"{what} *pointer{to.Number}(%rip)"); break;
            case 3: Line($"mov pointer{to.Number}(%rip), %r15"); Line($"{what} *%r15"); break;
            default: Line($"{what} l{to.Number}"); break;
        }
        from.Changes.UnionWith(to.Changes);
    }

    static string Data(List<Callee> all) => ".section .rodata\n" + string.Concat(Enumerable.Range(0, 4).Select(n => $"number{n}: .quad {n * 0x123456789 + 7}, 0\n"))
        + ".data\n" + string.Concat(all.Select(c => $"pointer{c.Number}: .quad f{c.Number}\n")) + ".section .note.GNU-stack,\"\",@progbits\n";

    // --- Frames ---

    /// <summary>Functions that move the stack pointer in all ways that lead back, called so often that a host frame left at each would fill the host's stack.</summary>
    public string Frames(int functions, int calls)
    {
        for (int n = 0; n < functions; n++)
        {
            text.Append($"f{n}:\n");
            Frame(dice.Next(1, 4), n);
            Line("ret");
        }
        string all = text.ToString();
        text.Clear();
        for (int n = 0; n < functions; n++)
        {
            Line($"mov ${calls}, %rbx");
            text.Append($"{++labels}:\n");
            Line($"call f{n}");
            Line("dec %rbx");
            Line($"jnz {labels}b");
        }
        return ".text\n" + all + Start(text.ToString()) + Data([]);
    }

    /// <summary>A stack movement and the one that undoes it, with something between: another such pair, a call, a branch.</summary>
    void Frame(int depth, int functions)
    {
        int size = 8 * dice.Next(1, 40);
        (string Begin, string End) = dice.Next(12) switch
        {
            0 => ($"push %rbp; mov %rsp, %rbp; sub ${size}, %rsp", "leave"),
            1 => ($"sub ${size}, %rsp", $"add ${size}, %rsp"),
            2 => ($"lea -{size}(%rsp), %rsp", $"lea {size}(%rsp), %rsp"),
            3 => ($"push %rbp; mov %rsp, %rbp; and $-32, %rsp; push $3; sub ${size}, %rsp", "mov %rbp, %rsp; pop %rbp"),
            4 => ("lea 8(%rsp), %r10; and $-32, %rsp; push -8(%r10); push %rbp; mov %rsp, %rbp; push %r10", "pop %r10; pop %rbp; lea -8(%r10), %rsp"),
            5 => ("push $0x1f80; ldmxcsr (%rsp)", "add $8, %rsp"),
            6 => ("push $0x202; popfq; push %rax", "pop %rdx"),
            7 => ($"enter ${size}, $0", "leave"),
            8 => ("pop %r9; push %r8; push %r9", "pop %r9; pop %r8; push %r9"),
            9 => ("pop %r11", "push %r11"),
            10 => ("mov %rsp, %r12; sub $72, %rsp", "mov %r12, %rsp"),
            _ => ("push %rcx; push %rdx; mov %rax, 8(%rsp)", $"lea 16(%rsp), %rsp"),
        };
        foreach (string line in Begin.Split("; ")) Line(line);
        // What holds the return address in a register, or what is nested, has nothing called below it.
        bool mayCall = !Begin.StartsWith("pop", StringComparison.Ordinal) && !Begin.Contains("%r12", StringComparison.Ordinal);
        if (mayCall && depth > 1) Frame(depth - 1, functions);
        else if (mayCall && functions > 0 && dice.OneIn(3)) Line($"call f{dice.Next(functions)}");
        else if (dice.OneIn(3))
        {
            int label = ++labels;
            Line("test $1, %bl");
            Line($"jz {label}f");
            Add(Any(["rax", "rcx", "xmm3"]));
            text.Append($"{label}:\n");
        }
        foreach (string line in End.Split("; ")) Line(line);
    }

    // --- Running ---

    /// <summary>Maps the page of the sum, runs the code, prints the sum as 16 digits.</summary>
    static string Start(string code) => $"""
        	.globl _start
        _start:
        	mov $9, %eax; mov ${Sum}, %edi; mov $4096, %esi; mov $3, %edx; mov $0x32, %r10d; mov $-1, %r8; xor %r9d, %r9d; syscall
        {code}
        	mov {Sum}, %rax; mov $16, %ecx; mov ${Sum + 64}, %edi
        1:	rol $4, %rax; mov %eax, %edx; and $15, %edx; add $'a', %edx; mov %dl, (%rdi); inc %rdi; loop 1b
        	mov $1, %eax; mov $1, %edi; mov ${Sum + 64}, %esi; mov $16, %edx; syscall
        	mov $60, %eax; xor %edi, %edi; syscall

        """;

    /// <summary>Builds modules, runs the program natively and translated; what differs, and null where nothing does.</summary>
    public static string? Differs(string folder, params string[] modules)
    {
        string[] names = [.. modules.Select((_, n) => Path.Combine(folder, n == 0 ? "program" : $"lib{n}.so"))];
        for (int n = 0; n < modules.Length; n++) File.WriteAllText($"{names[n]}.S", modules[n]);
        for (int n = 1; n < modules.Length; n++)
            Repository.Run("gcc", "-nostdlib", "-shared", "-Wl,-z,now", "-o", names[n], $"{names[n]}.S");
        Repository.Run("gcc", ["-nostdlib", "-o", names[0], $"{names[0]}.S", .. modules.Length == 1 ? (string[])["-static"] : ["-no-pie", "-Wl,-z,now", "-Wl,--allow-shlib-undefined", "-Wl,-E", .. names[1..], $"-Wl,-rpath,{folder}"]]);
        string emu = Path.Combine(Repository.Root, "emu"), native = Repository.Run(names[0]);
        foreach (string aot in (string[])["all", "none"])
        {
            Repository.Run(emu, "build", names[0], "--no-profile", "--aot", aot, "-o", $"{names[0]}.{aot}");
            var (status, output, errors) = Repository.RunAny("/usr/bin/timeout", "100", $"{names[0]}.{aot}");
            if ((status, output) != (0, native)) return $"--aot {aot}: {status} {output} instead of {native} {errors}";
        }
        return null;
    }

    /// <summary>Until the minutes are over; gives the exit status. Programs that differ are kept.</summary>
    public static int Until(string what, double minutes, ulong seed)
    {
        var clock = Stopwatch.StartNew();
        int programs = 0, failures = 0;
        for (ulong at = seed; clock.Elapsed.TotalMinutes < minutes; at++, programs++)
        {
            string folder = Repository.Work("fuzz", $"{what}-{at}");
            var fuzz = new AssemblyFuzz(at);
            string? difference = Differs(folder, what == "frames" ? [fuzz.Frames(20, 3_000_000)] : fuzz.Conventions(40, at % 3 == 0 ? 1 : 3));
            if (difference == null) Directory.Delete(folder, recursive: true);
            else Console.WriteLine($"seed {at}: {difference}; {folder}; so far {++failures} of {programs + 1}");
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {programs} programs from seed {seed} on, {failures} differ"));
        return failures == 0 ? 0 : 1;
    }
}
