using Emu.Llvm.Generate;

if (args is not [var ast, var allowlist, var output])
{
    Console.Error.WriteLine("usage: Emu.Llvm.Generate AST.json ALLOWLIST OUTPUT.cs");
    return 2;
}

var header = Header.Read(ast);
var wanted = Allowlist.Read(allowlist);
var missing = wanted.Where(name => !header.Functions.ContainsKey(name) || !Library.Exports(name)).ToList();
foreach (var name in missing)
    Console.Error.WriteLine($"{allowlist}: {name} is not in the headers or not exported by {Library.Name}");
if (missing.Count > 0)
    return 1;

Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
File.WriteAllText(output, new Writer(header).Write(header.Functions.Values.Where(f => wanted.Contains(f.Name))));
return 0;
