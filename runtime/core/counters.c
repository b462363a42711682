// Owns the counters' memory: a set of cells for each process, so that nobody adds to what another one adds to. The first process has
// the set behind the keys; a forked child takes a set of its own in the data file, and gives what is in it to a common one when it ends.
#include "core.h"
#include "data.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COMMON = 0, NONE = -1 };
static int own = NONE; // this process's set; NONE: the first one's

static uint64_t *cells(void) { return __start_emu_counters; }
static uint64_t size(void) { return data_header->counters_size; }

static bool map_cells(uint64_t offset) {
  return mmap(cells(), size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, data_file(), (off_t)offset) != MAP_FAILED;
}

bool counters_init(void) {
  if (!size()) return true;
  if ((size() | (uint64_t)cells()) & (PAGE - 1)) fail("section emu_counters is not page aligned: the runner was not linked as it must be");
  return map_cells(data_header->counters_offset);
}

// The offset of a set's header page. Its cells are on the pages behind; they begin as zeros.
static uint64_t offset_of(int set) {
  uint64_t offset = data_header->set[set].offset;
  if (offset) return offset;
  uint64_t bytes = (PAGE + size() + DATA_CHUNK - 1) & ~(uint64_t)(DATA_CHUNK - 1);
  if (!data_extend(bytes, PAGE + size(), &offset)) fail("the data file cannot grow: no room for a forked child's counters");
  static const char magic[8] = "EMUCOUNT";
  if (pwrite(data_file(), magic, sizeof magic, (off_t)offset) != sizeof magic) fail("cannot write the data file: %s", strerrordesc_np(errno));
  uint64_t none = 0; // two children may make the common one at the same time: the second's stays empty
  return __atomic_compare_exchange_n(&data_header->set[set].offset, &none, offset, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ? offset : none;
}

static int take_set(void) {
  for (int i = COMMON + 1; i < DATA_SETS; i++) {
    uint64_t free = 0;
    if (__atomic_compare_exchange_n(&data_header->set[i].owner, &free, (uint64_t)getpid(), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return i;
  }
  fail("more than %u processes count at once", (uint64_t)DATA_SETS - 1);
}

void counters_own(void) {
  if (!size()) return;
  own = take_set();
  if (!map_cells(offset_of(own) + PAGE)) fail("cannot map a forked child's counters: %s", strerrordesc_np(errno));
}

// A cell is moved before it is added: whoever dies in between loses that one, and counts nothing twice.
static void move_to(uint64_t *common) {
  for (uint64_t i = 0; i < size() / sizeof *common; i++) {
    uint64_t count = cells()[i];
    if (!count) continue;
    cells()[i] = 0;
    __atomic_fetch_add(&common[i], count, __ATOMIC_RELAXED);
  }
}

void counters_give_up(void) {
  if (own == NONE) return;
  void *common = mmap(NULL, size(), PROT_READ | PROT_WRITE, MAP_SHARED, data_file(), (off_t)(offset_of(COMMON) + PAGE));
  if (common == MAP_FAILED) return; // they stay where they are, and nobody else gets that set
  move_to(common);
  munmap(common, size());
  __atomic_store_n(&data_header->set[own].owner, 0, __ATOMIC_SEQ_CST);
  own = NONE;
}
