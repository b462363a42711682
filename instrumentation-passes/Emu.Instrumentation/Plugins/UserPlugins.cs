using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace Emu.Instrumentation;

/// <summary>Plugins from a user's assembly, or from a folder of sources that is compiled first.</summary>
static class UserPlugins
{
    /// <summary>The plugins of <c>MyPass.dll</c> or of a folder with C# sources: all that it has. Their data names the full path.</summary>
    public static IEnumerable<Plugin> Load(string path, PluginOptions options, string cache, Func<string> work)
    {
        if (!RuntimeFeature.IsDynamicCodeSupported) throw new PluginException($"plugin {path}: a native program cannot load it");
        string full = Path.GetFullPath(path);
        bool folder = Directory.Exists(full);
        if (!folder && !File.Exists(full)) throw new PluginException($"no plugin '{path}': there is no such file or folder");
        string assembly = folder ? PassCompiler.Compile(full, cache, work) : full;
        var passes = PluginCatalog.PassesOf(Load(assembly, path)).ToList();
        if (passes.Count == 0) throw new PluginException($"{path}: it has no class that extends InstrumentationPass");
        return [.. passes.Select(p => Plugin.Create(PluginCatalog.Instance(p), options with { Name = full }, folder ? full : Path.GetDirectoryName(full)))];
    }

    static Assembly Load(string assembly, string path)
    {
        try
        {
            var loaded = new Context(assembly).LoadFromAssemblyPath(assembly);
            _ = loaded.GetTypes();
            return loaded;
        }
        catch (BadImageFormatException) { throw new PluginException($"{path}: this is not a .NET assembly"); }
        catch (Exception e) when (e is FileLoadException or FileNotFoundException or ReflectionTypeLoadException or TypeLoadException) { throw new PluginException($"{path}: it cannot be loaded: {e.Message.Split('\n')[0]}"); }
    }

    /// <summary>Finds what a plugin needs beside it; emu's own assemblies are shared.</summary>
    sealed class Context(string assembly) : AssemblyLoadContext(Path.GetFileNameWithoutExtension(assembly))
    {
        protected override Assembly? Load(AssemblyName name)
        {
            if (Default.Assemblies.Any(a => a.GetName().Name == name.Name)) return null;
            string beside = Path.Combine(Path.GetDirectoryName(assembly)!, name.Name + ".dll");
            return File.Exists(beside) ? LoadFromAssemblyPath(beside) : null;
        }
    }
}
