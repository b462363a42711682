namespace Emu.Cli;

/// <summary>Something is not as it must be; the message is one line for the user.</summary>
sealed class UserException(string message) : Exception(message);
