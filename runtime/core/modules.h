// Owns what the core's files say to each other about the dynamic linker and the libraries of a guest.
#ifndef EMU_MODULES_H
#define EMU_MODULES_H

#include <stdbool.h>
#include <stdint.h>

void modules_interpreter(int file); // mapped from that file
// Where a library belongs that the guest is about to map anywhere; 0: it is none, or is there already.
uint64_t modules_place(const uint64_t args[6]);
void modules_mapped(uint64_t at, const uint64_t args[6]); // something executable is there now
void modules_changed(uint64_t from, uint64_t to, bool is_gone); // the code there is not what it was; gone: nothing is there
const struct emu_module *modules_at(uint64_t pc); // NULL: none was there

#endif
