using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Emu.Instrumentation;

/// <summary>Compiles a folder's C# sources against the pass API, once for each content: <c>dotnet build</c> of a project made here.</summary>
static class PassCompiler
{
    const string AssemblyName = "plugin";

    /// <summary>The compiled assembly's path; <see cref="PluginException"/> with the compiler's errors if it does not compile.</summary>
    public static string Compile(string folder, string cache, Func<string> workFolder)
    {
        var sources = Directory.GetFiles(folder, "*.cs").Order(StringComparer.Ordinal).ToArray();
        if (sources.Length == 0) throw new PluginException($"{folder}: there is no C# file in it");
        string made = Path.Combine(cache, "plugins", Key(folder, sources)), done = Path.Combine(made, AssemblyName + ".dll");
        if (File.Exists(done)) return done;

        string work = Path.Combine(workFolder(), $"plugin.{Environment.ProcessId}");
        Directory.CreateDirectory(Path.GetDirectoryName(made)!);
        Directory.CreateDirectory(work);
        try
        {
            string project = Path.Combine(work, AssemblyName + ".csproj");
            File.WriteAllText(project, Project(sources));
            Build(folder, project, Path.Combine(work, "out"));
            Publish(Path.Combine(work, "out"), made);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
        return done;
    }

    /// <summary>Names what the result depends on: where the sources are, what is in them, and this API.</summary>
    static string Key(string folder, string[] sources)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(folder));
        hash.AppendData(typeof(PassCompiler).Module.ModuleVersionId.ToByteArray());
        foreach (var s in sources)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{Path.GetFileName(s)} {new FileInfo(s).Length}\n"));
            hash.AppendData(File.ReadAllBytes(s));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    static string Project(string[] sources)
    {
        string api = Path.GetDirectoryName(typeof(PassCompiler).Assembly.Location)!;
        static string Escape(string s) => System.Security.SecurityElement.Escape(s)!.Replace("%", "%25").Replace(";", "%3B").Replace("*", "%2A").Replace("?", "%3F").Replace("$", "%24").Replace("@", "%40");
        var references = new[] { "Emu.Instrumentation", "Emu.Ir" }.Select(r => $"""    <Reference Include="{r}"><HintPath>{Escape(Path.Combine(api, r + ".dll"))}</HintPath><Private>false</Private></Reference>""");
        var compiled = sources.Select(s => $"""    <Compile Include="{Escape(s)}" />""");
        return $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net{Environment.Version.Major}.{Environment.Version.Minor}</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <EnableDefaultItems>false</EnableDefaultItems>
                <GenerateDependencyFile>false</GenerateDependencyFile>
                <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
              </PropertyGroup>
              <ItemGroup>
            {string.Join('\n', references.Concat(compiled))}
              </ItemGroup>
            </Project>
            """;
    }

    static void Build(string folder, string project, string output)
    {
        var start = new ProcessStartInfo(DotNet(), ["build", project, "-c", "Release", "-o", output, "-v", "q", "-nologo", "-nodeReuse:false", "-clp:NoSummary", "-p:ImportDirectoryBuildProps=false", "-p:ImportDirectoryBuildTargets=false", "-p:UseSharedCompilation=false"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Path.GetDirectoryName(project),
        };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase)).ToList()) start.Environment.Remove(name);
        try
        {
            using var build = Process.Start(start)!;
            build.StandardInput.Close();
            var errors = build.StandardError.ReadToEndAsync();
            string output_ = build.StandardOutput.ReadToEnd();
            build.WaitForExit();
            if (build.ExitCode != 0) throw new PluginException(Errors(folder, output_ + errors.Result));
        }
        catch (System.ComponentModel.Win32Exception e) { throw new PluginException($"{folder}: the .NET SDK is needed to compile it: {e.Message}"); }
    }

    /// <summary>The compiler's errors, each once, without the project that nobody wrote.</summary>
    static string Errors(string folder, string log)
    {
        var lines = log.Split('\n').Where(l => l.Contains(": error ", StringComparison.Ordinal))
            .Select(l => l.Trim()).Select(l => l.EndsWith(']') && l.LastIndexOf(" [", StringComparison.Ordinal) is > 0 and var at ? l[..at] : l).Distinct().ToList();
        return $"{folder}: it does not compile:\n{string.Join('\n', lines.Count > 0 ? lines : log.Trim().Split('\n').TakeLast(10))}";
    }

    /// <summary>The command that runs this very program, where it is dotnet; otherwise the one on the path.</summary>
    static string DotNet() => Path.GetFileName(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";

    /// <summary>Puts the result in its place in one step, unless another process was faster.</summary>
    static void Publish(string from, string to)
    {
        try { Directory.Move(from, to); }
        catch (IOException) when (Directory.Exists(to)) { }
    }
}
