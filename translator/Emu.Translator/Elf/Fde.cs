namespace Emu.Translator.Elf;

/// <summary>A frame description of <c>.eh_frame</c>: the code range of one function or of a part of one.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">First address after.</param>
/// <param name="Lsda">Address of the language-specific data, 0 when none.</param>
/// <param name="IsPart">The frame is already set up at the start: a split-off part (<c>.cold</c>), not a function.</param>
public sealed record Fde(ulong Start, ulong End, ulong Lsda, bool IsPart);
