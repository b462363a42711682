// Owns the output of `append`: per-thread buffers that are chunks of a mapped file, or, for what cannot be mapped, of memory
// that is written out when full.
#include "core.h"
#include "data.h"
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sink {
  int fd;
  bool raw;  // records are written, not mapped
  bool lost; // could not grow: records go nowhere
};

static struct sink sinks[EMU_STREAMS];

// Of each thread.
static _Thread_local struct buffer {
  uint8_t *base;  // its place, the same for every chunk
  bool is_chunk, in_memory; // what is mapped there
} buffers[EMU_STREAMS];

static struct sink open_sink(int stream, int data_file, int device) {
  const char *path = emu_stream_paths ? emu_stream_paths[stream] : NULL;
  if (!path) return device < 0 ? (struct sink){.fd = data_file} : (struct sink){.fd = device, .raw = true};
  struct stat is;
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  if (fd < 0 && errno == EINVAL) fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0 || fstat(fd, &is)) fail("cannot write %s: %s", path, strerror(errno));
  return (struct sink){.fd = descriptor_own(fd), .raw = !S_ISREG(is.st_mode)};
}

void stream_init(int data_file, int device) {
  for (int i = 0; i < EMU_STREAMS; i++) sinks[i] = open_sink(i, data_file, device);
}

static bool in_data_file(size_t stream) { return !emu_stream_paths || !emu_stream_paths[stream]; }

// Chunks are handed out by the shared header: threads and forked children never get the same one.
static uint64_t next_offset(size_t stream) {
  return data_header->end[in_data_file(stream) ? EMU_STREAMS : stream] += DATA_CHUNK;
}

static bool grow(int fd, uint64_t from, uint64_t to) {
  struct rlimit limit; // past it the kernel would send SIGXFSZ, to a guest that wrote nothing
  if (!getrlimit(RLIMIT_FSIZE, &limit) && to > limit.rlim_cur) return errno = EFBIG, false;
  if (!fallocate(fd, 0, (off_t)from, (off_t)(to - from))) return true;
  return errno == EOPNOTSUPP && pwrite(fd, "", 1, (off_t)to - 1) == 1;
}

bool data_extend(uint64_t bytes, uint64_t used, uint64_t *offset) {
  *offset = (data_header->end[EMU_STREAMS] += bytes) - bytes;
  return grow(data_file(), *offset, *offset + used);
}

bool data_new_chunk(uint64_t *offset) { return data_extend(DATA_CHUNK, DATA_CHUNK, offset); }

static uint8_t *map_buffer(struct buffer *buffer, int flags, int fd, uint64_t offset) {
  if (buffer->base) flags |= MAP_FIXED;
  else limits_make_room(DATA_CHUNK);
  uint8_t *at = mmap(buffer->base, DATA_CHUNK, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset);
  if (at == MAP_FAILED) return NULL;
  if (!buffer->base) memory_protect_runner((uint64_t)at, (uint64_t)at + DATA_CHUNK);
  return buffer->base = at;
}

static void open_chunk(struct buffer *buffer, size_t stream) {
  struct data_chunk *chunk = (struct data_chunk *)buffer->base;
  *chunk = (struct data_chunk){.stream = stream, .thread = thread_id(), .sequence = data_header->sequence[stream]++};
  memcpy(chunk->magic, "EMUCHUNK", 8);
  buffer->is_chunk = true;
  emu_state.stream[stream] = (struct emu_stream){buffer->base + sizeof *chunk, buffer->base + DATA_CHUNK};
}

static bool begin_chunk(struct sink *sink, size_t stream) {
  struct buffer *buffer = &buffers[stream];
  bool first = !buffer->is_chunk;
  uint64_t to = next_offset(stream), from = to - DATA_CHUNK;
  if (!grow(sink->fd, from, to) || !map_buffer(buffer, MAP_SHARED, sink->fd, from)) return false;
  if (!first) madvise(buffer->base, DATA_CHUNK, MADV_POPULATE_WRITE); // one call for 256 page faults
  open_chunk(buffer, stream);
  return true;
}

// --- Where the guest has forbidden itself to map memory: room for some chunks that was mapped before --------------------------------

enum { SPARES = 64 };
static uint8_t *spares; // NULL: none
static _Atomic uint32_t used_spares;
static uint8_t scratch[DATA_CHUNK]; // for what is lost

void stream_seal(void) {
  uint64_t offset;
  if (!data_header || spares || !data_extend(SPARES * DATA_CHUNK, PAGE, &offset) || ftruncate(data_file(), (off_t)(offset + SPARES * DATA_CHUNK))) return;
  uint8_t *at = mmap(NULL, SPARES * DATA_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, data_file(), (off_t)offset);
  if (at == MAP_FAILED) return;
  memory_protect_runner((uint64_t)at, (uint64_t)at + SPARES * DATA_CHUNK);
  spares = at;
}

static bool begin_spare(struct sink *sink, size_t stream) {
  uint32_t n = sink->fd == data_file() && spares ? used_spares++ : SPARES;
  if (n >= SPARES) return errno = EPERM, false;
  buffers[stream].base = spares + n * DATA_CHUNK;
  open_chunk(&buffers[stream], stream);
  return true;
}

static void begin_scratch(size_t stream) {
  buffers[stream] = (struct buffer){.base = scratch, .in_memory = true};
  emu_state.stream[stream] = (struct emu_stream){scratch, scratch + DATA_CHUNK};
}

static bool begin_memory(size_t stream) {
  struct buffer *buffer = &buffers[stream];
  if (!buffer->in_memory && !map_buffer(buffer, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) return false;
  buffer->in_memory = true, buffer->is_chunk = false;
  emu_state.stream[stream] = (struct emu_stream){buffer->base, buffer->base + DATA_CHUNK};
  return true;
}

static void lose(struct sink *sink, size_t stream) {
  if (!sink->lost) say("stream %u stops here: its file cannot grow: %s", (uint64_t)stream, strerror(errno));
  sink->lost = true;
}

static void write_out(struct sink *sink, const uint8_t *from, const uint8_t *to) {
  while (from < to) {
    long done = RAW3(SYS_write, sink->fd, from, to - from);
    if (done == -EINTR) continue;
    if (done <= 0) {
      errno = (int)-done;
      return lose(sink, (size_t)(sink - sinks));
    }
    from += done;
  }
}

// Of the thread that is so far away in memory (threads.c).
static void end_buffer(size_t stream, int64_t distance) {
  struct sink *sink = &sinks[stream];
  const struct buffer *buffer = (const struct buffer *)((uint64_t)&buffers[stream] + (uint64_t)distance);
  const uint8_t *at = ((const struct emu_state *)((uint64_t)&emu_state + (uint64_t)distance))->stream[stream].at;
  if (!at) return;
  if (buffer->is_chunk)
    ((struct data_chunk *)buffer->base)->used = (uint64_t)(at - buffer->base) - sizeof(struct data_chunk);
  else if (!sink->lost)
    write_out(sink, buffer->base, at);
}

// A thread's records are written in one go. Who ends the process keeps the lock.
static _Thread_local bool holding;
static void hold(void) {
  if (!holding) lock(LOCK_STREAMS);
  holding = true;
}
static void release(void) {
  if (holding) unlock(LOCK_STREAMS);
  holding = false;
}

// Not preserve_all itself: what that promises is kept by the one function below.
static void next_buffer(size_t stream) {
  struct sink *sink = &sinks[stream];
  hold();
  end_buffer(stream, 0);
  release();
  bool maps = sandbox_may(NEED_MAP);
  if (!sink->raw && !sink->lost && !(maps ? begin_chunk(sink, stream) : begin_spare(sink, stream))) lose(sink, stream);
  if (!maps && !buffers[stream].in_memory && (sink->raw || sink->lost)) return begin_scratch(stream);
  if ((sink->raw || sink->lost) && !begin_memory(stream)) fail("no memory for stream %u", (uint64_t)stream);
}

__attribute__((preserve_all)) void emu_stream_full(uint64_t stream) { next_buffer(stream); }

// What other threads have written so far counts where it is not in the file anyway.
static void end_others(int64_t distance) {
  for (size_t i = 0; i < EMU_STREAMS; i++)
    if (sinks[i].raw) end_buffer(i, distance);
}

void stream_finish(void) {
  hold();
  for (size_t i = 0; i < EMU_STREAMS; i++) end_buffer(i, 0);
  threads_each_other(end_others);
}

void stream_reopen(void) {
  for (size_t i = 0; i < EMU_STREAMS; i++) {
    if (!emu_state.stream[i].at || sinks[i].lost) continue;
    if (sinks[i].raw)
      emu_state.stream[i].at = buffers[i].base;
    else
      ((struct data_chunk *)buffers[i].base)->used = 0;
  }
  release();
}

// The child starts with buffers of its own: the parent's chunk stays the parent's, its unwritten records too.
void stream_forked(void) {
  for (size_t i = 0; i < EMU_STREAMS; i++) emu_state.stream[i] = (struct emu_stream){NULL, NULL};
}

void stream_thread_begins(uint8_t room[STREAM_ROOM]) {
  for (size_t i = 0; i < EMU_STREAMS; i++) buffers[i].base = room + i * DATA_CHUNK;
}

// What the thread does not need of its last chunk is given back to the disk.
void stream_thread_ends(void) {
  hold();
  for (size_t i = 0; i < EMU_STREAMS; i++) {
    const uint8_t *at = emu_state.stream[i].at;
    end_buffer(i, 0);
    if (at && buffers[i].is_chunk && sandbox_may(NEED_MAP)) madvise((void *)page_up((uint64_t)at), page_down((uint64_t)emu_state.stream[i].end) - page_up((uint64_t)at), MADV_REMOVE);
    emu_state.stream[i] = (struct emu_stream){NULL, NULL};
  }
  release();
}
