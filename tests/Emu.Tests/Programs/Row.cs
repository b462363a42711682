using System.Text;

namespace Emu.Tests.Programs;

/// <summary>One run of a static program: a row of tests/programs/* or tests/guests/cases.</summary>
/// <param name="Id">Unique name, as known-failures names it.</param>
/// <param name="Guest">Path of the executable.</param>
/// <param name="Files">Input files to copy into the working folder.</param>
/// <param name="Arguments">argv[1...].</param>
/// <param name="Stdin">An input file's name; "" for /dev/null; "closed" for none; "=TEXT" for a text.</param>
/// <param name="Environment">NAME=VALUE words added to the fixed environment.</param>
/// <param name="Name">argv[0], where it is not the executable's path.</param>
public sealed record Row(string Id, string Guest, string[] Files, string[] Arguments, string Stdin, string[] Environment, string? Name = null)
{
    /// <summary>Splits a line of a table at its unescaped bars.</summary>
    public static string[] Columns(string line)
    {
        var columns = new List<string>();
        var now = new StringBuilder();
        for (var i = 0; i < line.Length; i++)
            if (line[i] == '\\' && i + 1 < line.Length && line[i + 1] == '|')
                now.Append(line[++i]);
            else if (line[i] == '|')
                Next();
            else
                now.Append(line[i]);
        Next();
        return [.. columns];

        void Next()
        {
            columns.Add(now.ToString().Trim());
            now.Clear();
        }
    }

    /// <summary>Splits a command into words as a shell does: blanks, '...', "..." and backslashes; nothing is expanded.</summary>
    public static string[] Words(string command)
    {
        var words = new List<string>();
        StringBuilder? now = null;
        var quote = '\0';
        for (var i = 0; i < command.Length; i++)
        {
            var c = command[i];
            if (quote != 0 ? c == quote : c is '\'' or '"')
            {
                quote = quote != 0 ? '\0' : c;
                now ??= new();
            }
            else if (quote == 0 && c == ' ')
                Next();
            else
                (now ??= new()).Append(c == '\\' && quote != '\'' && i + 1 < command.Length ? command[++i] : c);
        }
        Next();
        return [.. words];

        void Next()
        {
            if (now is not null)
                words.Add(now.ToString());
            now = null;
        }
    }
}
