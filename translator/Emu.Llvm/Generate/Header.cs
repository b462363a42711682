using System.Text.Json;

namespace Emu.Llvm.Generate;

/// <summary>A C function: types as C spells them.</summary>
sealed record Function(string Name, string Returns, IReadOnlyList<(string Name, string Type)> Parameters);

/// <summary>A C enum and its constants in order.</summary>
sealed record Enumeration(string Name, IReadOnlyList<(string Name, long Value)> Constants);

/// <summary>What the headers declare, read from clang's JSON dump of the syntax tree (<c>-ast-dump=json</c>).</summary>
sealed class Header
{
    /// <summary>Functions by C name, in the order of the headers.</summary>
    public OrderedDictionary<string, Function> Functions { get; } = [];

    /// <summary>Enums by typedef name, in the order of the headers.</summary>
    public OrderedDictionary<string, Enumeration> Enums { get; } = [];

    /// <summary>Typedef name to the C type it stands for.</summary>
    public Dictionary<string, string> Typedefs { get; } = [];

    readonly Dictionary<string, JsonElement> enumsById = [];

    public static Header Read(string path)
    {
        using var dump = JsonDocument.Parse(File.ReadAllBytes(path), new() { MaxDepth = 4096 });
        var header = new Header();
        JsonElement before = default;
        foreach (var node in Inner(dump.RootElement))
        {
            header.Add(node, before);
            before = node;
        }
        return header;
    }

    void Add(JsonElement node, JsonElement before)
    {
        switch (Text(node, "kind"))
        {
            case "EnumDecl":
                enumsById[Text(node, "id")!] = node;
                break;
            case "TypedefDecl":
                AddTypedef(Text(node, "name")!, TypeOf(node), node, before);
                break;
            case "FunctionDecl" when Text(node, "name") is { } name && name.StartsWith("LLVM"):
                Functions.TryAdd(name, FunctionOf(name, node));
                break;
        }
    }

    void AddTypedef(string name, string type, JsonElement node, JsonElement before)
    {
        Typedefs[name] = type;
        if (type is "unsigned" or "unsigned int" && Text(before, "kind") == "EnumDecl" && Text(before, "name") is null)
            Enums[name] = new(name, Constants(before)); // enum { ... }; typedef unsigned NAME;
        else if (TagOf(node) is { } id && enumsById.TryGetValue(id, out var declaration))
            Enums[name] = new(name, Constants(declaration));
    }

    static Function FunctionOf(string name, JsonElement node)
    {
        var type = TypeOf(node);
        var parameters = Inner(node).Where(n => Text(n, "kind") == "ParmVarDecl")
            .Select((n, i) => (Text(n, "name") ?? $"param{i}", TypeOf(n)));
        return new(name, type[..type.IndexOf('(')].Trim(), [.. parameters]);
    }

    static List<(string, long)> Constants(JsonElement declaration)
    {
        var constants = new List<(string, long)>();
        long next = 0;
        foreach (var constant in Inner(declaration).Where(n => Text(n, "kind") == "EnumConstantDecl"))
        {
            next = ValueOf(constant) is { } value ? long.Parse(value) : next;
            constants.Add((Text(constant, "name")!, next++));
        }
        return constants;
    }

    static string? ValueOf(JsonElement node) =>
        Text(node, "kind") == "ConstantExpr" && Text(node, "value") is { } value
            ? value
            : Inner(node).Select(ValueOf).FirstOrDefault(v => v is not null);

    static string? TagOf(JsonElement node)
    {
        if (node.TryGetProperty("ownedTagDecl", out var owned))
            return Text(owned, "id");
        if (Text(node, "kind") == "EnumType" && node.TryGetProperty("decl", out var declaration))
            return Text(declaration, "id");
        return Inner(node).Select(TagOf).FirstOrDefault(id => id is not null);
    }

    static string TypeOf(JsonElement node) => Text(node.GetProperty("type"), "qualType")!;

    static string? Text(JsonElement node, string property) =>
        node.ValueKind == JsonValueKind.Object && node.TryGetProperty(property, out var value) ? value.GetString() : null;

    static IEnumerable<JsonElement> Inner(JsonElement node) =>
        node.TryGetProperty("inner", out var inner) ? inner.EnumerateArray() : [];
}
