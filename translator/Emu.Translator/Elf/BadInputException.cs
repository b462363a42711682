namespace Emu.Translator.Elf;

/// <summary>The input is not something that can be translated; the message is one line for the user.</summary>
public sealed class BadInputException(string message) : Exception(message);
