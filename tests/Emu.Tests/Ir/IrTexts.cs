using Emu.Ir;
using Emu.Ir.Text;
using Emu.Tests.Lift;
using Emu.Tests.Programs;
using Xunit;

namespace Emu.Tests.Ir;

/// <summary>
/// The texts of tests/ir. Each function is one of: a golden (a line <c>; lift: ASSEMBLY</c> before it says of what; EMU_BLESS=1
/// rewrites it), or a text that stands for itself. A line <c>; error: MESSAGE</c> follows every line that parser or verifier refuse.
/// </summary>
public sealed class IrTexts
{
    const string LiftMark = "; lift: ", ErrorMark = "; error: ";
    static readonly string directory = Path.Combine(Repository.Root, "tests/ir");

    public static TheoryData<string> Files() => [.. Directory.GetFiles(directory, "*.txt").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Prints_as_it_was_parsed(string file)
    {
        foreach (var (_, body) in Functions(file).Where(f => !f.Body.Contains(ErrorMark, StringComparison.Ordinal)))
        {
            var f = Parser.Parse(body);
            Assert.Equal(body.Trim(), Printer.Print(f).Trim());
            Assert.Empty(Verifier.Check(f));
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Golden_is_what_the_lifter_makes(string file)
    {
        var functions = Functions(file).ToList();
        var made = functions.Select(f => f.Assembly is { } assembly ? Printed(assembly) : f.Body).ToList();
        if (Environment.GetEnvironmentVariable("EMU_BLESS") == "1") Bless(file, functions, made);
        else foreach (var (f, text) in functions.Zip(made)) Assert.Equal(text.Trim(), f.Body.Trim());
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Errors_are_those_that_the_text_names(string file)
    {
        foreach (var (_, body) in Functions(file).Where(f => f.Body.Contains(ErrorMark, StringComparison.Ordinal)))
        {
            var expected = body.Split('\n').Where(l => l.Trim().StartsWith(ErrorMark, StringComparison.Ordinal)).Select(l => l.Trim()[ErrorMark.Length..]).ToList();
            var found = Errors(body);
            Assert.True(expected.Count == found.Count && expected.Zip(found).All(p => p.Second.Contains(p.First, StringComparison.Ordinal)), $"{body}\nfound:\n{string.Join('\n', found)}");
        }
    }

    [Fact]
    public void Every_operation_has_a_text()
    {
        var used = Directory.GetFiles(directory, "*.txt").SelectMany(f => Functions(Path.GetFileName(f))).Where(f => !f.Body.Contains(ErrorMark, StringComparison.Ordinal))
            .SelectMany(f => Parser.Parse(f.Body).Blocks).SelectMany(b => b.Code).Select(i => i.Op).ToHashSet();
        Assert.Empty(Enum.GetValues<Op>().Except(used));
    }

    static List<string> Errors(string body)
    {
        try { return [.. Verifier.Check(Parser.Parse(body))]; }
        catch (FormatException e) { return [e.Message]; }
    }

    static string Printed(string assembly)
    {
        byte[] code = HostMemory.Assemble($"org {HostMemory.Slot}\n{assembly.Replace(';', '\n')}");
        return Printer.Print(Machine.Lift(code, explodeRep: true, withText: true));
    }

    /// <summary>A file's functions; comments before the first one, other than marks, explain the file.</summary>
    static IEnumerable<(string? Assembly, string Body)> Functions(string file)
    {
        string? assembly = null;
        var body = new List<string>();
        foreach (var line in File.ReadAllLines(Path.Combine(directory, file)).Append("function"))
        {
            bool mark = line.StartsWith(LiftMark, StringComparison.Ordinal);
            if ((mark || line.StartsWith("function", StringComparison.Ordinal)) && body.Count > 0)
            {
                yield return (assembly, string.Join('\n', body));
                (assembly, body) = (null, []);
            }
            if (mark) assembly = line[LiftMark.Length..];
            else if (body.Count > 0 || line.StartsWith("function", StringComparison.Ordinal)) body.Add(line);
        }
    }

    static void Bless(string file, List<(string? Assembly, string Body)> functions, List<string> made)
    {
        string path = Path.Combine(directory, file);
        var head = File.ReadAllLines(path).TakeWhile(l => !l.StartsWith(LiftMark, StringComparison.Ordinal) && !l.StartsWith("function", StringComparison.Ordinal));
        var parts = functions.Zip(made, (f, text) => (f.Assembly is { } a ? $"{LiftMark}{a}\n" : "") + text.Trim() + "\n");
        File.WriteAllText(path, string.Join('\n', head) + "\n" + string.Join('\n', parts));
    }
}
