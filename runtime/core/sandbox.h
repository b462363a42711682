// Owns what the core's files say to each other about rights that the guest gives up.
#ifndef EMU_SANDBOX_H
#define EMU_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

// rights.c: calls behind which the runner could not do any more what it may still have to: it does so before.
long rights_call(long number, const uint64_t args[6]);

// limits.c
long limits_call(long number, const uint64_t args[6]);
void limits_make_room(uint64_t bytes); // the runner maps that much
void limits_before_exec(void);
void limits_after_failed_exec(void);
void limits_forked(void);        // in the child
bool limits_lock_mappings(void); // whether the guest's new mappings are locked

// sandbox.c: seccomp. What the guest's filters say is known, so that the runner makes no call of its own that they do not allow.
enum need { NEED_CHANNEL, NEED_MAP, NEED_PROTECT, NEED_FILES, NEED_MASK, NEED_CLOCK, NEEDS };
bool sandbox_may(enum need need);                               // whether every thread may make the calls for that
bool sandbox_allows(long number, const uint64_t args[6]);       // whether this thread may make a call
bool sandbox_is_sealed(void);                                   // whether there is anything that the runner needs and may not do
void sandbox_parted(bool was_sealed);                           // a child with this memory has ended or called exec
void sandbox_inherit(int64_t distance);                         // what holds for this thread holds for a new one that is so far away
long sandbox_call(long number, const uint64_t args[6]);         // prctl or seccomp that may restrict calls

#endif
