// Owns what the C library must know of the guest's threads, so that probes may call all of it. None of them is a thread of its own (threads.c),
// so it would leave its locks open, and take each thread for the one that made it. (musl 1.2: src/internal/libc.h, src/internal/pthread_impl.h.)
#include "core.h"

// The functions come with the probes (RunnerModule.cs): a runner without any has no stdio.
extern const struct {
  int (*flush)(void *file);
  void (*lock)(void *file), (*unlock)(void *file);
  struct file **(*lock_files)(void); // and what has been opened
  void (*unlock_files)(void);
  void *const *files[3]; // stdin, stdout, stderr
} emu_probes_libc __attribute__((weak));

extern struct {
  char can_do_threads, threaded, secure;
  volatile signed char need_locks;
} libc __asm__("__libc") __attribute__((visibility("hidden")));

void __malloc_atfork(int who) __attribute__((weak)); // below 0: before, 0: in the parent, above: in the child

struct file {
  uint8_t unknown[112];
  struct file *next;
};

struct block {
  struct block *self;
  void *vector;
  struct block *previous, *next;
  uint64_t system, canary;
  uint32_t id, error;
  uint64_t unused[9];
  void **values; // of pthread_setspecific
  uint64_t more[7];
  void *locked_files;
};
_Static_assert(offsetof(struct block, id) == 0x30 && offsetof(struct block, values) == 0x80 && offsetof(struct block, locked_files) == 0xc0, "musl");

enum { VALUES = 1024 }; // where they are in a thread's block: 128 words

static bool used(void) { return &emu_probes_libc; }

static struct block *own(void) {
  struct block *block;
  __asm__("mov %%fs:0, %0" : "=r"(block));
  return block;
}

// What pthread_create does when it is first called. Files that are open get their locks when they are first locked.
void libc_begin(void) {
  static void *values[128];
  if (!used()) return;
  own()->values = values;
  libc.threaded = libc.need_locks = 1;
  for (int i = 0; i < 3; i++) emu_probes_libc.lock(*emu_probes_libc.files[i]), emu_probes_libc.unlock(*emu_probes_libc.files[i]);
}

static struct file **opened; // while one thread holds its lock

static void each_file(void (*act)(void *file)) {
  for (int i = 0; i < 3; i++) act(*emu_probes_libc.files[i]);
  for (struct file *at = *opened; at; at = at->next) act(at);
}

void libc_block(uint64_t at) {
  struct block *block = (struct block *)at;
  block->self = block->previous = block->next = block;
  block->values = (void **)(at + VALUES);
  block->error = 0;
  block->locked_files = NULL;
}

void libc_thread_begins(uint32_t id) { own()->id = id; }

void libc_flush(void) {
  if (used()) emu_probes_libc.flush(NULL);
}

// A child has none of the threads that may be in the library now: what they have locked would stay so. What is not written yet is the parent's.
void libc_before_fork(void) {
  if (!used()) return;
  libc_flush();
  opened = emu_probes_libc.lock_files();
  each_file(emu_probes_libc.lock);
  if (__malloc_atfork) __malloc_atfork(-1);
}

void libc_after_fork(bool is_child) {
  if (!used()) return;
  if (__malloc_atfork) __malloc_atfork(is_child);
  each_file(emu_probes_libc.unlock);
  emu_probes_libc.unlock_files();
}
