// Owns the counters' memory: a set of cells for each thread, so that nobody adds to what another one adds to. The first thread of the first
// process has the set behind the keys; others take one of their own in the data file. Reports add up all sets, so whoever takes one
// that was used counts on where it is. A thread's stays with its slot (threads.c), a process's are free when it has ended.
#include "core.h"
#include "data.h"
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NONE = -1 };
static int own = NONE; // of this process's first thread; NONE: the set behind the keys

static uint64_t size(void) { return data_header->counters_size; }

static bool map_cells(uint64_t *cells, uint64_t offset) {
  return mmap(cells, size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, data_file(), (off_t)offset) != MAP_FAILED;
}

bool counters_init(void) {
  if (!size()) return true;
  if ((size() | (uint64_t)emu_cells_begin) & (PAGE - 1)) fail("section emu_counters is not page aligned: the runner was not linked as it must be");
  return map_cells(emu_cells_begin, data_header->counters_offset);
}

// The offset of a set's header page, 0: the file cannot grow. Its cells are on the pages behind; they begin as zeros.
static uint64_t offset_of(int set) {
  static const char magic[8] = "EMUCOUNT";
  uint64_t offset = data_header->set[set].offset, bytes = (PAGE + size() + DATA_CHUNK - 1) & ~(uint64_t)(DATA_CHUNK - 1);
  if (offset) return offset;
  if (!data_extend(bytes, PAGE + size(), &offset) || pwrite(data_file(), magic, sizeof magic, (off_t)offset) != sizeof magic) return 0;
  return data_header->set[set].offset = offset;
}

static bool take(int set, uint64_t from) {
  return __atomic_compare_exchange_n(&data_header->set[set].owner, &from, (uint64_t)getpid(), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool has_ended(uint64_t process) { return process != (uint64_t)getpid() && RAW2(SYS_kill, process, 0) == -ESRCH; }

static int take_set(void) {
  for (int i = 0; i < DATA_SETS; i++)
    if (!data_header->set[i].owner && take(i, 0)) return i;
  for (int i = 0; i < DATA_SETS; i++) {
    uint64_t owner = data_header->set[i].owner;
    if (has_ended(owner) && take(i, owner)) return i;
  }
  return NONE;
}

// The set that is mapped there now; NONE: none could be had.
static int map_own(uint64_t *cells) {
  int set = take_set();
  uint64_t offset = set == NONE ? 0 : offset_of(set);
  if (offset && map_cells(cells, offset + PAGE)) return set;
  if (set != NONE) data_header->set[set].owner = 0;
  return NONE;
}

bool counters_map(uint64_t cells[]) { return !data_header || !size() || map_own(cells) != NONE; }

void counters_own(void) {
  if (!size()) return;
  own = map_own(emu_cells_begin);
  if (own == NONE) fail("no counters for a forked child: more than %u threads count at once, or the data file cannot grow", (uint64_t)DATA_SETS);
}

void counters_give_up(void) {
  if (own != NONE) __atomic_store_n(&data_header->set[own].owner, 0, __ATOMIC_SEQ_CST);
  own = NONE;
}
