using System.Reflection;

namespace Emu.Instrumentation;

/// <summary>A type's own instance fields in order of declaration.</summary>
static class DeclaredFields
{
    /// <remarks>Native programs have no tokens: what they list is in that order.</remarks>
    public static IEnumerable<FieldInfo> Of(System.Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly).OrderBy(f => f.HasMetadataToken() ? f.MetadataToken : 0);
}
