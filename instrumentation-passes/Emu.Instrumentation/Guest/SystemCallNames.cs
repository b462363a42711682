namespace Emu.Instrumentation;

/// <summary>What reports say of system calls.</summary>
public static class SystemCallNames
{
    /// <summary>Its name; <c>syscall_N</c> where the kernel has none of that number.</summary>
    public static string Of(long number) => Ir.SystemCalls.Name(number) ?? $"syscall_{number}";

    /// <summary>How many arguments it takes; six where that is not known.</summary>
    public static int Arguments(long number) => Ir.SystemCalls.Arguments(number);
}
