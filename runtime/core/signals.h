// Owns what the files about signals share.
#ifndef EMU_SIGNALS_H
#define EMU_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

// The kernel's struct sigaction on x86-64 (include/linux/signal_types.h).
struct action {
  uint64_t handler, flags, restorer, mask;
};

// A signal that has arrived, with what the kernel was about to do for it.
struct arrival {
  siginfo_t info;
  struct action action;
  uint64_t blocked_in_handler, blocked_after; // signal masks
  uint64_t trap, error, fault_address;        // sigcontext's trapno, err, cr2 of a fault
};

static const uint64_t OWNED_SIGNALS = 1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) | 1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1);

static inline uint64_t signal_bit(int signal) { return 1ull << (signal - 1); }

const char *signal_name(int signal);
void on_fault(int signal, siginfo_t *info, void *context);

// mask.c: the kernel's mask of this thread.
uint64_t mask_set(uint64_t mask); // returns what it was
uint64_t mask_read(void);
void mask_is(uint64_t mask); // the kernel has set it

// signals.c
void signals_enter(void); // a handler of the core's begins
void signals_leave(const void *context); // and ends
void signals_sent(int signal, siginfo_t *info, void *context); // a core-owned signal that somebody sent
bool signals_wants(int signal);                                // whether the guest has a handler for a fault, and does not block it
void signals_describe_fault(int signal, struct arrival *arrival); // action and masks
bool signals_next(struct arrival *arrival);                    // takes one that waits
void signals_block(uint64_t mask);                             // the guest's mask becomes this

// Texts of traps that are more than their signal: the first is the translator's (X86/Rules.cs).
#define SETS_TRAP_FLAG "popf sets the trap flag"
#define SINGLE_STEP "single step"

// deliver.c
bool deliver_exact(struct arrival *fault); // of the instruction at emu_state.rip: info, trap, error and fault_address are there
// In generated code that has the guest's registers in emu_state; context is the host's.
void deliver_fault(const siginfo_t *info, void *context, uint64_t pc);

// frame.c
uint64_t frame_push(const struct arrival *arrival); // the guest enters its handler; rsp there, 0: no stack for it
bool frame_pop(uint64_t *mask);                     // the guest is where the frame at its rsp says
long frame_stack_call(uint64_t new, uint64_t old);  // sigaltstack
void frame_inherit(int64_t distance);               // the alternate stack is that of the thread that is so far away, too

// fpu.c
void fpu_clear(void);
void fpu_save(uint8_t *image); // 416 bytes
void fpu_restore(const uint8_t *image);

#endif
