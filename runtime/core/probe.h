// Owns what a plugin's C probe may rely on. A probe is compiled to bitcode and inlined at its sites; all of libc is its own.
#ifndef EMU_PROBE_H
#define EMU_PROBE_H

#include <stdint.h>

// Marks a probe: kept by name in the bitcode; called, when not inlined, without spilling the caller's registers.
#define EMU_PROBE __attribute__((preserve_all, used))

#endif
