return Emu.Cli.CommandLine.Run(args);
