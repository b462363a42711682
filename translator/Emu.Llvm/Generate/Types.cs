namespace Emu.Llvm.Generate;

/// <summary>C types to C# types, in LLVMSharp.Interop's manner: LLVMBool is int, char is sbyte, handles keep their names.</summary>
sealed class Types(Header header)
{
    /// <summary>Handles met so far; exactly these are declared.</summary>
    public SortedSet<string> Handles { get; } = new(StringComparer.Ordinal);

    public string Map(string c)
    {
        if (c.Contains("(*)"))
            return FunctionPointer(c);
        c = string.Join(' ', c.Replace("*", " * ").Split(' ').Where(word => word is not ("const" or "struct" or "enum" or "")));
        var stars = "";
        for (; c.EndsWith('*') || c.EndsWith(']'); stars += "*")
            c = c[..c.LastIndexOfAny(['*', '['])].TrimEnd();
        return Base(c) + stars;
    }

    public static bool IsString(string c) => c is "const char *";

    string Base(string c) => c switch
    {
        "void" => "void",
        "char" => "sbyte",
        "uint8_t" or "unsigned char" => "byte",
        "uint16_t" => "ushort",
        "int" or "int32_t" or "LLVMBool" => "int",
        "unsigned" or "unsigned int" or "uint32_t" => "uint",
        "long long" or "int64_t" => "long",
        "unsigned long long" or "uint64_t" => "ulong",
        "size_t" => "nuint",
        "double" => "double",
        _ => Named(c),
    };

    string Named(string c)
    {
        if (header.Enums.ContainsKey(c))
            return c;
        var type = header.Typedefs.GetValueOrDefault(c) ?? throw new NotSupportedException($"C type {c}");
        if (type.Contains("(*)"))
            return FunctionPointer(type);
        if (!type.StartsWith("struct LLVM") || !type.EndsWith('*'))
            return Base(type);
        Handles.Add(c);
        return c;
    }

    /// <summary><c>R (*)(A, B)</c> to <c>delegate* unmanaged[Cdecl]&lt;A, B, R&gt;</c>.</summary>
    string FunctionPointer(string c)
    {
        var at = c.IndexOf("(*)", StringComparison.Ordinal);
        var parameters = c[(at + 3)..].Trim('(', ')').Split(", ").Where(p => p is not ("" or "void"));
        return $"delegate* unmanaged[Cdecl]<{string.Join(", ", parameters.Append(c[..at]).Select(Map))}>";
    }
}
