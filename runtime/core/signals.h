// Owns what the files about signals share.
#ifndef EMU_SIGNALS_H
#define EMU_SIGNALS_H

#include <signal.h>
#include <stdint.h>

// The kernel's struct sigaction on x86-64 (include/linux/signal_types.h).
struct action {
  uint64_t handler, flags, restorer, mask;
};

const char *signal_name(int signal);
void on_fault(int signal, siginfo_t *info, void *context);
void signals_sent(int signal); // a core-owned signal that somebody sent: as the guest's action says

#endif
