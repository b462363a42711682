// Started by a runner (runtime/core/fallback.c), never by a person: descriptor 3 is its socket, 4 the code cache, 5 the runner's file.
Emu.Fallback.Service.Run(new(Emu.Fallback.Protocol.Socket));
