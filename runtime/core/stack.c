// Owns the guest's initial stack (psABI 3.4.1). It is the process's own: the kernel has already put argv, environment and
// auxiliary vector there, in the guest's format, and lets it grow as it would natively; it is only edited in place.
#include "core.h"
#include "codecache.h"
#include "maps.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { HWCAP2_FSGSBASE = 2 }; // asm/hwcap2.h: the kernel lets user mode write fs and gs base

// Variables of ours are not the guest's business. Returns the end of the list.
static char **hide_environment(char **from) {
  char **to = from;
  for (; *from; from++)
    if (strncmp(*from, "EMU_", 4) != 0) *to++ = *from;
  *to = NULL;
  return to + 1;
}

// What create_elf_tables (fs/binfmt_elf.c) would have said for the guest. False: leave the entry out.
static bool guest_value(Elf64_auxv_t *entry, const struct image *image, const char *file_name) {
  switch (entry->a_type) {
  case AT_SYSINFO_EHDR: // the vDSO is host code: the guest could not run it untranslated
  case 27:
  case 28: // AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN: rseq belongs to the host's libc
  case AT_IGNORE: return false;
  case AT_PHDR: entry->a_un.a_val = image->phdr; break;
  case AT_PHNUM: entry->a_un.a_val = image->phnum; break;
  case AT_BASE: entry->a_un.a_val = image->interpreter; break;
  case AT_ENTRY: entry->a_un.a_val = image->entry; break;
  case AT_EXECFN: entry->a_un.a_val = (uint64_t)(file_name ? file_name : emu_image_name); break;
  case AT_HWCAP: entry->a_un.a_val = cpuid_1_edx(); break;
  case AT_HWCAP2: entry->a_un.a_val &= HWCAP2_FSGSBASE; break;
  }
  return true;
}

// The kernel's own copy, for /proc/self/auxv.
static struct {
  Elf64_auxv_t entries[64];
  size_t size;
} given;

const void *stack_auxiliary(size_t *size) {
  *size = given.size;
  return given.entries;
}

uint64_t stack_prepare(char **argv, char **envp, const struct image *image) {
  char **end = envp;
  const char *file_name = getenv("EMU_EXECFN"); // emu run knows by which name the guest was found
  while (*end) end++;
  const Elf64_auxv_t *from = (const Elf64_auxv_t *)(end + 1);
  uint8_t *start = (uint8_t *)hide_environment(envp), *to = start;
  for (; from->a_type != AT_NULL; from++) {
    Elf64_auxv_t entry = *from;
    if (!guest_value(&entry, image, file_name)) continue;
    memcpy(to, &entry, sizeof entry);
    to += sizeof entry;
  }
  memset(to, 0, (size_t)((const uint8_t *)(from + 1) - to));
  given.size = (size_t)(to - start) + sizeof(Elf64_auxv_t);
  if (given.size > sizeof given.entries) given.size = sizeof given.entries;
  memcpy(given.entries, start, given.size);
  return (uint64_t)(argv - 1); // argc, 16-byte aligned
}

// --- Where it grows -----------------------------------------------------------------------------------------------------------

// A stack, and the end of what is mapped below it. What is write-protected for the watch is a mapping of its own.
struct stack {
  uint64_t address; // somewhere in it
  uint64_t below, to;
  uint64_t gap, last; // of the lines so far
};

static void find_stack(const char *line, void *with) {
  struct mapping m = mapping_of(line);
  struct stack *s = with;
  if (m.from != s->last) s->gap = s->last;
  if (s->address >= m.from && s->address < m.to) s->below = s->gap, s->to = m.to;
  s->last = m.to;
}

// mmap_base in arch/x86/mm/mmap.c keeps at least 128 MiB free for it.
static uint64_t lowest(const struct stack *s) {
  static const uint64_t LEAST = 128 << 20, MOST = 1 << 30;
  struct rlimit limit;
  uint64_t room = RAW4(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &limit) || limit.rlim_cur < LEAST ? LEAST : limit.rlim_cur > MOST ? MOST : limit.rlim_cur;
  return s->to - s->below < room ? s->below : s->to - room;
}

uint64_t stack_lowest(uint64_t address) {
  struct stack s = {.address = address};
  each_line("/proc/self/maps", find_stack, &s);
  return s.to ? lowest(&s) : page_down(address);
}

void stack_allow_code(uint64_t rsp) {
  struct stack s = {.address = rsp};
  each_line("/proc/self/maps", find_stack, &s);
  if (s.to) guest_code_begin(lowest(&s), s.to, true, true);
}
