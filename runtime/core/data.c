// Owns the data file: created before the guest starts, mapped, and complete at every moment (format: data.h).
#include "core.h"
#include "data.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct data_header *data_header;
static bool forked;
static int file = -1;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void unwritable(const char *path) { fail("cannot write the data file %s: %s", path, strerror(errno)); }

// Whoever writes a data file holds a lock on it: forked children share it, exec and death drop it.
static bool in_use(int fd) {
  struct stat is;
  return !fstat(fd, &is) && S_ISREG(is.st_mode) && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
}

static int create(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  if (fd < 0) return fd;
  if (in_use(fd)) return close(fd), -2;
  ftruncate(fd, 0); // a device has no length: no matter
  return fd;
}

static void append_number(char *path, unsigned number) {
  char digits[12] = {0}, *at = digits + sizeof digits - 1;
  for (; number; number /= 10) *--at = (char)('0' + number % 10);
  *--at = '.';
  strcat(path, at);
}

static bool is_regular(const char *path) {
  struct stat is;
  return stat(path, &is) || S_ISREG(is.st_mode);
}

// A file that a live process still writes (of a pipeline, or the parent of an exec) stays its own: this one becomes PATH.PID. One that was
// executed by a translated program has that name at once, and with a number if the same process has had it before.
static int create_free(const char *path) {
  bool own = exec_followed() && is_regular(path);
  int fd = own ? -2 : create(path);
  if (fd != -2) return fd;
  char name[PATH_LENGTH];
  size_t length = strlen(path) + 12;
  if (length > sizeof name - 12) return errno = ENAMETOOLONG, -1;
  append_number(strcpy(name, path), (unsigned)getpid());
  length = strlen(name);
  for (unsigned again = 2; own && !access(name, F_OK); again++) name[length] = 0, append_number(name, again);
  return create(name);
}

// Where the guest may change its folder before another program is executed.
static void note(const char *path) {
  char whole[2 * PATH_LENGTH] = "";
  if (*path != '/' && (!getcwd(whole, PATH_LENGTH) || !strcat(whole, "/"))) return;
  exec_note_data(strncat(whole, path, PATH_LENGTH));
}

static void lay_out(struct data_header *h) {
  *h = (struct data_header){.magic = "EMUDATA\x01", .chunk_size = DATA_CHUNK, .start_ns = now()};
  h->meta_offset = DATA_HEADER;
  h->meta_size = (uint64_t)(emu_meta_end - emu_meta);
  h->keys_offset = (h->meta_offset + h->meta_size + 15) & ~15ull;
  h->keys_size = (uint64_t)((const char *)__stop_emu_keys - (const char *)__start_emu_keys);
  h->counters_offset = page_up(h->keys_offset + h->keys_size);
  h->counters_size = (uint64_t)((char *)emu_cells_end - (char *)emu_cells_begin);
  h->chunks_offset = page_up(h->counters_offset + h->counters_size);
  h->end[EMU_STREAMS] = h->chunks_offset;
}

static bool write_all(int fd, const void *from, uint64_t size, uint64_t offset) {
  while (size) {
    ssize_t done = pwrite(fd, from, size, (off_t)offset);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    from = (const char *)from + done, size -= (uint64_t)done, offset += (uint64_t)done;
  }
  return true;
}

static bool fill(int fd) {
  static struct data_header h;
  lay_out(&h);
  if (fallocate(fd, 0, 0, (off_t)h.chunks_offset) && (errno == ENOSPC || ftruncate(fd, (off_t)h.chunks_offset))) return false;
  if (!write_all(fd, &h, sizeof h, 0) || !write_all(fd, emu_meta, h.meta_size, h.meta_offset) ||
      !write_all(fd, __start_emu_keys, h.keys_size, h.keys_offset))
    return false;
  void *header = mmap(NULL, DATA_HEADER, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (header == MAP_FAILED) return false;
  memory_protect_runner((uint64_t)header, (uint64_t)header + DATA_HEADER);
  data_header = header;
  file = fd;
  return counters_init();
}

static const char *default_path(void) {
  static char path[300];
  const char *slash = strrchr(emu_image_name, '/');
  strncpy(path, slash ? slash + 1 : emu_image_name, 255);
  return strcat(path, ".emudata");
}

void data_open(const char *path) {
  if ((uint64_t)emu_meta == (uint64_t)emu_meta_end) return;
  if (!path || !*path) path = default_path();
  note(path);
  struct stat is;
  int device = -1, fd = create_free(path);
  if (fd < 0) unwritable(path);
  if (!fstat(fd, &is) && !S_ISREG(is.st_mode)) { // /dev/null, a pipe: counters live in memory, records are streamed
    device = descriptor_own(fd);
    fd = memfd_create("emudata", MFD_CLOEXEC);
  }
  fd = descriptor_own(fd);
  if (!fill(fd)) unwritable(path);
  stream_init(fd, device);
}

int data_file(void) { return file; }

void data_finish(uint64_t state, uint64_t status) {
  if (!data_header) return;
  if (thread_shares()) return stream_thread_ends(); // the file goes on
  stream_finish();
  if (forked) return counters_give_up();
  data_header->status = status;
  data_header->end_ns = now();
  data_header->state = state;
}

void data_reopen(void) {
  if (!data_header || thread_shares()) return;
  stream_reopen();
  if (forked) return counters_own();
  data_header->state = DATA_RUNNING;
}

void data_forked(void) {
  forked = true;
  if (!data_header) return;
  stream_forked();
  counters_own();
}
