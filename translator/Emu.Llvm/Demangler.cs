using System.Runtime.InteropServices;
using System.Text;

namespace Emu.Llvm;

/// <summary>What the names of C++ and Rust stand for. LLVM has no C interface for it: these are its C++ functions (llvm/Demangle/Demangle.h).</summary>
public static unsafe partial class Demangler
{
    const string Library = "libLLVM.so.19.1";

    /// <summary>The name that a mangled one stands for; what is none, or cannot be read, as it is.</summary>
    public static string Demangle(string name)
    {
        bool isRust = name.StartsWith("_R", StringComparison.Ordinal);
        if (!isRust && !name.StartsWith("_Z", StringComparison.Ordinal)) return name;
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        fixed (byte* text = bytes)
        {
            byte* result = isRust ? Rust((nuint)bytes.Length, text) : Itanium((nuint)bytes.Length, text, 1);
            if (result == null) return name;
            string demangled = Marshal.PtrToStringUTF8((nint)result)!;
            NativeMemory.Free(result);
            return demangled;
        }
    }

    // A std::string_view travels as its two words: length, text.
    [LibraryImport(Library, EntryPoint = "_ZN4llvm15itaniumDemangleESt17basic_string_viewIcSt11char_traitsIcEEb")]
    private static partial byte* Itanium(nuint length, byte* text, byte withParameters);

    [LibraryImport(Library, EntryPoint = "_ZN4llvm12rustDemangleESt17basic_string_viewIcSt11char_traitsIcEE")]
    private static partial byte* Rust(nuint length, byte* text);
}
