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

static uint64_t now(void) { return clock_read(CLOCK_REALTIME); }

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

// --- Its name ------------------------------------------------------------------------------------------------------------------------

static const char *guest_name(void) {
  const char *slash = strrchr(emu_image_name, '/');
  return slash ? slash + 1 : emu_image_name;
}

struct name {
  char text[PATH_LENGTH];
  size_t length;
};

static void put(struct name *name, const char *text, size_t length) {
  if (name->length + length >= sizeof name->text) fail("cannot write the data file: its name is too long");
  memcpy(name->text + name->length, text, length);
  name->text[name->length += length] = 0;
}

static void put_text(struct name *name, const char *text) { put(name, text, strlen(text)); }

static void put_number(struct name *name, uint64_t number) {
  char digits[24] = {0}, *at = digits + sizeof digits - 1;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  put_text(name, at);
}

static void put_host(struct name *name) {
  char host[256] = {0};
  gethostname(host, sizeof host - 1);
  put_text(name, host);
}

// As in core_pattern (core(5)). Returns whether there is a %n, which becomes `number`.
static bool expand(struct name *name, const char *pattern, uint64_t number) {
  const char *whole = pattern;
  bool numbered = false;
  name->length = 0;
  put_text(name, "");
  for (; *pattern; pattern++) {
    if (*pattern != '%') {
      put(name, pattern, 1);
      continue;
    }
    switch (*++pattern) {
    case '%': put(name, "%", 1); break;
    case 'p': put_number(name, (uint64_t)getpid()); break;
    case 't': put_number(name, now() / 1000000000); break;
    case 'b': put_text(name, guest_name()); break;
    case 'h': put_host(name); break;
    case 'n': numbered = true, put_number(name, number); break;
    default: fail("EMU_DATA=%s: %s", whole, "there are %p (process), %b (guest), %t (time), %h (host), %n (a free number) and %%");
    }
  }
  return numbered;
}

static int create_new(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
  if (fd >= 0) in_use(fd);
  return fd;
}

// The first number that nobody has.
static int create_numbered(struct name *name, const char *pattern) {
  for (uint64_t number = 1;; number++) {
    if (!expand(name, pattern, number)) return -1;
    int fd = create_new(name->text);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
}

// What nobody has asked for does not take the place of another run's: GUEST.emudata, GUEST.2.emudata, ...
static int create_default(struct name *name) {
  for (uint64_t number = 1;; number++) {
    name->length = 0;
    put_text(name, guest_name());
    if (number > 1) put_text(name, "."), put_number(name, number);
    put_text(name, ".emudata");
    int fd = create_new(name->text);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd >= 0 && number > 1) say("the data file is %s: there are others", name->text);
    return fd;
  }
}

static bool is_regular(const char *path) {
  struct stat is;
  return stat(path, &is) || S_ISREG(is.st_mode);
}

// A file that a live process still writes (of a pipeline, or the parent of an exec) stays its own: this one becomes PATH.PID. One that was
// executed by a translated program has that name at once, and with a number if the same process has had it before.
static int create_named(const char *path) {
  bool own = exec_followed() && is_regular(path);
  int fd = own ? -2 : create(path);
  if (fd != -2) return fd;
  static struct name name;
  name.length = 0;
  put_text(&name, path), put_text(&name, "."), put_number(&name, (uint64_t)getpid());
  size_t length = name.length;
  for (uint64_t again = 2; own && !access(name.text, F_OK); again++) name.length = length, put_text(&name, "."), put_number(&name, again);
  return create(name.text);
}

static int create_free(struct name *name, const char *path) {
  if (!path || !*path) return create_default(name);
  return expand(name, path, 1) ? create_numbered(name, path) : create_named(name->text);
}

// Where the guest may change its folder before another program is executed.
static void note(const char *path) {
  char whole[2 * PATH_LENGTH] = "";
  if (*path != '/' && (!getcwd(whole, PATH_LENGTH) || !strcat(whole, "/"))) return;
  strncat(whole, path, PATH_LENGTH);
  struct name escaped = {.length = 0};
  for (const char *at = whole; *at; at++) put(&escaped, "%%", *at == '%' ? 2 : 0), put(&escaped, at, *at == '%' ? 0 : 1);
  exec_note_data(escaped.text);
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

void data_open(const char *path) {
  if ((uint64_t)emu_meta == (uint64_t)emu_meta_end) return;
  static struct name name;
  struct stat is;
  int device = -1, fd = create_free(&name, path);
  if (fd < 0) unwritable(name.text);
  note(name.text);
  if (!fstat(fd, &is) && !S_ISREG(is.st_mode)) { // /dev/null, a pipe: counters live in memory, records are streamed
    device = descriptor_own(fd);
    fd = memfd_create("emudata", MFD_CLOEXEC);
  }
  fd = descriptor_own(fd);
  if (!fill(fd)) unwritable(name.text);
  stream_init(fd, device);
}

int data_file(void) { return file; }

void data_finish(uint64_t state, uint64_t status) {
  if (!data_header) return;
  if (thread_shares()) return stream_thread_ends(); // the file goes on
  stream_finish();
  if (forked) return counters_give_up();
  data_header->status = status;
  uint64_t end = now();
  data_header->end_ns = end ? end : data_header->start_ns;
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
