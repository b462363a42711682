// Owns what the core's files say to each other. Nothing here is ABI: see emu.h for that.
#ifndef EMU_CORE_H
#define EMU_CORE_H

#define _GNU_SOURCE // every file of the core includes this one first
#include "emu.h"
#include <stdbool.h>

enum { PAGE = 4096, EXIT_UNTRANSLATED = 70 }; // 70: EX_SOFTWARE of sysexits.h

static inline uint64_t page_down(uint64_t at) { return at & ~(uint64_t)(PAGE - 1); }
static inline uint64_t page_up(uint64_t at) { return page_down(at + PAGE - 1); }

// raw.c: system calls without libc: results are the kernel's, -errno on failure; and guest memory that may not be there.
long raw(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
bool copy_in(void *to, uint64_t from, size_t size); // false: the guest address is bad
bool copy_out(uint64_t to, const void *from, size_t size);
bool touch(uint64_t address);            // whether it can be written; its contents stay
bool touch_fails(uint64_t *host_pc);     // whether a fault there is that question's answer: it resumes with it
enum { RESTART = -512, NO_COMPAT = -513 };      // ERESTARTSYS: a signal came first
long raw_guest(long number, const uint64_t args[6]); // one that a signal may interrupt; RESTART: it has not begun
long raw_compat(long number, const uint64_t args[6]); // the same by int 0x80, whose arguments have 32 bits; NO_COMPAT: the kernel has none
void raw_interrupt(uint64_t *host_pc);               // what a signal handler of the core does to it
bool raw_interrupted(uint64_t host_pc);              // whether it was in the kernel
uint64_t raw_fault_exit(uint64_t host_pc); // where a fault at host_pc inside a copy, or at int 0x80, resumes; 0: not there
uint64_t behind(uint64_t pc, uint8_t opcode); // the guest's byte behind that of an instruction that may have prefixes
#define RAW0(n) raw(n, 0, 0, 0, 0, 0, 0)
#define RAW1(n, a) raw(n, (uint64_t)(a), 0, 0, 0, 0, 0)
#define RAW2(n, a, b) raw(n, (uint64_t)(a), (uint64_t)(b), 0, 0, 0, 0)
#define RAW3(n, a, b, c) raw(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)
#define RAW4(n, a, b, c, d) raw(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), 0, 0)

// say.c: one line on stderr, one write. Knows %s, %x (u64, with 0x), %u (u64), %@ (u64 guest PC, with symbol).
void say(const char *format, ...);
void say_to(int file, const char *format, ...);
_Noreturn void fail(const char *format, ...); // say, exit 1: before the guest starts

// symbol.c: names from the guest's own files.
struct symbol {
  const char *module; // NULL: the program
  const char *name;   // NULL: none
  size_t length;
  uint64_t offset;
};
struct symbol symbol_of(uint64_t guest_pc);

// images.c: where a fault at host_pc while an image is made resumes; 0: not there.
uint64_t images_fault_exit(uint64_t host_pc);

// locate.c: guest PC of a host PC, from the runner's .debug_line; 0: not generated code.
uint64_t locate(uint64_t host_pc);
void locate_prepare(void); // the runner's file may be out of reach later

// Its line in a probe's source; 0: none is known.
enum { SOURCE_NAME = 64 };
uint32_t locate_in_source(uint64_t host_pc, char file[SOURCE_NAME]);

// image.c: the guest's segments.
struct image {
  uint64_t entry, phdr, phnum, end; // of the program; end: first byte after its last segment
  uint64_t interpreter, start;      // where the dynamic linker is (0: none), and the first instruction to run
  uint64_t code, code_end;          // the program's executable segments
  bool executable_stack;            // it asks for one
};
struct image image_map(void);
uint64_t image_offset(void);  // of the guest's file in the runner's
bool image_covers_code(uint64_t from, uint64_t to); // whether that touches what was translated ahead of time

// stack.c: the guest's initial stack is the process's own, edited in place. Returns the guest's rsp.
uint64_t stack_prepare(char **argv, char **envp, const struct image *image);
uint64_t stack_lowest(uint64_t address); // how far down the stack that an address is in may grow
void stack_allow_code(uint64_t rsp);     // it is executable
const void *stack_auxiliary(size_t *size); // the auxiliary vector as it was given to the guest

// lock.c: locks among threads, in the order in which they are taken.
enum lock {
  LOCK_EMPTYING,    // who waits until the code cache can be emptied
  LOCK_MODULES,     // the list of files with code
  LOCK_TRANSLATION, // requests to the fallback
  LOCK_MEMORY,      // the mappings of guest and runner, and what is known of them
  LOCK_REGIONS,     // what the tables of regions hold
  LOCK_CODE,        // executable memory and the watch over it; nothing that may fault is done inside
  LOCK_STREAMS,     // records that are written out
  LOCK_ACTIONS,     // signal actions; everything is blocked inside
  LOCK_THREADS,     // slots
  LOCKS
};
void locks_begin(void); // there will be another thread
void lock(enum lock which);
void unlock(enum lock which);
void locks_before_fork(void);
void locks_after_fork(bool is_child);

// host.c: the stack generated code and core run on, one for each thread.
enum { HOST_GUARD = 64 << 10 };
_Noreturn void switch_stack(uint64_t top, void (*run)(void));
void host_stack_use(uint64_t from, uint64_t to);
void host_limit_lower(void); // nothing waits any more: generated code need not leave for the core
_Noreturn void host_stack_run(void (*run)(void));
_Noreturn void host_stack_restart(void (*run)(void)); // without the frames that are there
bool host_stack_is_low(void); // generated code is at its end
bool host_stack_guard(uint64_t address);
size_t host_stack_size(void);

// memory.c: brk and the mmap family.
void memory_init(void);
void memory_set_break(uint64_t start);
void memory_seal(void); // no memory can be mapped later
bool memory_of_runner(uint64_t at, uint64_t size);
uint64_t memory_of_runner_size(void);
enum owner { OWNER_GUEST, OWNER_BREAK, OWNER_RUNNER }; // break: guest's, from brk
enum owner memory_owner(uint64_t at, uint64_t *to);    // of what is there; *to is lowered to where that ends
void memory_protect_runner(uint64_t from, uint64_t to); // the guest may not map over this
long memory_brk(uint64_t to);
long memory_mmap(const uint64_t args[6]);
long memory_shmat(const uint64_t args[6]);
long memory_munmap(uint64_t at, uint64_t size);
long memory_mprotect(long number, const uint64_t args[6]);
long memory_mremap(const uint64_t args[6]);
long memory_madvise(const uint64_t args[6]);
long memory_shmdt(uint64_t at);
long memory_remap_file(const uint64_t args[6]);
void memory_changed(uint64_t from, uint64_t size); // other contents, not by a store
void memory_changed_held(uint64_t from, uint64_t size); // the same by somebody who has LOCK_MEMORY

// permissions.c
long permissions_personality(uint64_t persona);
uint64_t permissions_implied(uint64_t protection);                // what the guest gets that asks for that
bool permissions_deny(uint64_t protection, bool was_executable); // EACCES
void permissions_change(void);                                    // the process's may be others now
void permissions_forked(void);                                    // in the child

// events.c: what passes are told besides the guest's code.
enum event { EVENT_SIGNAL = 1, EVENT_MODULE_LOAD, EVENT_MODULE_UNLOAD, EVENT_THREAD_START, EVENT_THREAD_EXIT };
bool event_watched(enum event event);
void event_happens(enum event event, uint64_t a, uint64_t b, uint64_t c); // all of the guest is in emu_state
void events_begin(const struct image *image);                             // before the first instruction
void event_mapped(uint64_t at, const uint64_t mmap_args[6]);              // the guest has mapped something
void event_unmapping(uint64_t from, uint64_t size);                       // it is about to unmap that

// frame.c
uint64_t rflags(const struct emu_state *s); // as user mode sees it (Intel SDM vol. 1, 3.4.3)

// syscall.c
long system_call(long number, const uint64_t args[6]); // with what the core does for it

// vsyscall.c
bool vsyscall_is(uint64_t pc); // whether that is one of the kernel's three functions

// dispatch.c
void dispatch_init(void); // the table of the image's regions
bool dispatch_is_told(void);       // whether all host frames of this thread must be left
void dispatch_leave_frames(void);  // where that is so, or no room is left, the guest goes on at its rip without them, and this does not return
void dispatch_in_kernel(bool is);  // whether it is in a system call, behind which it looks
void dispatch_thread_begins(void);
_Noreturn void step_begins(void); // the popf at rip has set TF

// files.c: /proc/self/exe is the guest; the data file's descriptors are not there.
enum { PATH_LENGTH = 4096 };
long files_call(long number, const uint64_t args[6]);
bool read_path(uint64_t from, char path[PATH_LENGTH]); // of the guest's memory; false: none is there, or it is too long
bool names_own(const char *path, const char *name); // whether that is a file of /proc/self
void descriptor_path(int file, char path[PATH_LENGTH]); // its link in /proc
bool path_of(int file, char path[PATH_LENGTH]);         // of an open file

// views.c: what else in /proc/self shows the runner.
bool view_is_named(const char *path);          // whether it may be such a file
long view_opened(long file, uint64_t flags);   // instead of a file that the guest has opened: a descriptor, or -errno

// exec.c: natively or, with --follow-exec, translated.
void exec_init(char **envp);            // before the guest can change it
bool exec_followed(void);               // whether a translated program has executed this one
void exec_note_data(const char *path);  // absolute, of the data file of the first one
long exec_call(long number, const uint64_t args[6]);

// process.c: fork, exit, thread pointers.
long process_call(long number, const uint64_t args[6]);
void process_finish(int status); // what is done before it ends
_Noreturn void process_exit(int status);
_Noreturn void process_exit_by(long number, int status); // SYS_exit or SYS_exit_group
_Noreturn void process_die(int signal);
uint32_t process_id(void);

// threads.c: the guest's threads, and its processes that share memory.
struct clone_args;
long thread_clone(long number, const struct clone_args *wanted, size_t size);
void thread_begins(void);        // passes are told
uint32_t thread_id(void);
void threads_end(void);          // passes are told of the ends of all threads
_Noreturn void thread_exit(int status);
long thread_clears(uint64_t at); // set_tid_address
void threads_forked(void);       // in the child
bool thread_shares(void);        // whether this is a process that shares the memory of another one
bool thread_shares_at(int64_t distance); // the same of another one
void threads_call_to_core(void); // generated code of every thread leaves for the core at its next check
void threads_each_other(void (*see)(int64_t distance)); // how far their thread-local objects are from this thread's
uint64_t thread_storage(void);   // where this thread's thread-local storage begins

// libc.c: the C library of the runner, in probes.
void libc_begin(void);
void libc_block(uint64_t at);           // what the library finds at the thread pointer of a new thread
void libc_thread_begins(uint32_t id);   // in that thread
void libc_flush(void);
void libc_before_fork(void);
void libc_after_fork(bool is_child);

// clock.c: clocks through the host's vDSO.
long clock_call(long number, const uint64_t args[6]);
uint64_t clock_read(int which); // nanoseconds; 0: the guest may not
uint64_t clock_now(void);       // of CLOCK_MONOTONIC
long clock_forbid(const uint64_t args[6]); // prctl(PR_SET_TSC)
void clock_seal(bool is_forbidden);        // whether no clock is read any more

// signals.c: the guest's signal actions and mask; signals.h has the rest.
void signals_init(void);
long signals_call(long number, const uint64_t args[6]);
void signals_before_exec(void);
void signals_after_failed_exec(void);
long signals_wait(long number, const uint64_t args[6]); // sigsuspend, ppoll, pselect6, epoll_pwait
bool signals_waiting(void);
enum { SIGNAL_STACKS = 64 << 10 };
void signals_thread_begins(uint8_t stacks[SIGNAL_STACKS], uint64_t mask); // the guest's mask
uint64_t signals_blocked(uint64_t held);                                  // the guest's mask, where the kernel's was that
void signals_inherit(int64_t distance, uint64_t flags);                   // actions of a new thread that is so far away, by clone's flags
uint64_t signals_hold(void); // none arrive until
void signals_hold_all(void); // those of faults, too
void signals_release(uint64_t held);
_Noreturn void signals_die(int signal); // as the default action would

// deliver.c: the guest's handlers.
void deliver_waiting(void); // all of the guest is in emu_state
bool deliver_return(void);  // rt_sigreturn of the guest; false: a signal that waits comes first

// data.c: the data file.
void data_open(const char *path);
void data_finish(uint64_t state, uint64_t status); // 1 exited, 2 died of a signal
void data_reopen(void);                            // a finish that did not happen: exec failed
void data_forked(void);                            // in the child

// descriptors.c: the runner's own, which look closed to the guest.
int descriptor_own(int fd); // moves one there
void descriptor_close_own(int fd);
bool descriptor_is_own(int fd);
long descriptor_close_range(unsigned from, unsigned to, uint64_t flags); // all but these

uint32_t cpuid_1_edx(void); // cpuid.c

// trust.c: what may be believed.
bool is_trusted(const char *path);             // only root, the runner's owner and this user can change what it names
void forget_variables_of_others(char **envp); // of a runner that has other rights than its caller

#endif
