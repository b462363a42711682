using System.Runtime.InteropServices;

// Started by a runner (runtime/core/service.c), never by a person: descriptor 3 is its socket, 4 the code cache, 5 the runner's file.
Emu.Fallback.Service.Run(new(Emu.Fallback.Protocol.Socket));
_exit(0); // at once: LLVM's destructors must not run while a promotion is being made

[DllImport("libc")] static extern void _exit(int status);
