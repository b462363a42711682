namespace Emu.Cli;

/// <summary>Something is not as it must be; the message is one line for the user.</summary>
/// <param name="code">emu's exit code.</param>
sealed class UserException(string message, int code = 1) : Exception(message)
{
    /// <summary>Of a command that cannot be executed, and of one that is not there, as shells and env(1) have it.</summary>
    public const int CannotExecute = 126, NotFound = 127;

    public int Code => code;
}
