// Owns what the kernel maps for a guest: the program, which the runner embeds, and the dynamic linker that it asks for
// (load_elf_binary in fs/binfmt_elf.c).
#include "core.h"
#include "codecache.h"
#include "modules.h"
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

extern const Elf64_Ehdr __ehdr_start; // the runner's own headers (lld)

// A file that is mapped as its program headers say: the guest's program, or its dynamic linker.
struct source {
  const Elf64_Ehdr *header;
  const Elf64_Phdr *segments;
  uint64_t base;
  int file;        // -1: none to map from
  uint64_t offset; // of the ELF file in it
  bool is_embedded;
};

static struct source program(void) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)emu_image;
  return (struct source){header, (const Elf64_Phdr *)(emu_image + header->e_phoff), emu_image_base, -1, 0, true};
}

// Guest text is data to the host: never executable, always readable (execute-only is readable on x86 without protection keys).
static int host_protection(uint32_t flags) {
  int protection = 0;
  if (flags & (PF_R | PF_X)) protection |= PROT_READ;
  if (flags & PF_W) protection |= PROT_WRITE;
  return protection;
}

uint64_t image_offset(void) {
  const Elf64_Phdr *own = (const Elf64_Phdr *)((const uint8_t *)&__ehdr_start + __ehdr_start.e_phoff);
  uint64_t at = (uint64_t)emu_image;
  for (int i = 0; i < __ehdr_start.e_phnum; i++)
    if (own[i].p_type == PT_LOAD && at >= own[i].p_vaddr && at - own[i].p_vaddr < own[i].p_filesz)
      return at - own[i].p_vaddr + own[i].p_offset;
  return 0;
}

// Segments may share a page, the later one wins; the runner's own pages are nobody's.
static void map(uint64_t at, uint64_t size, int protection, int flags, int file, uint64_t offset) {
  if (!size) return;
  if (memory_of_runner(at, size)) fail("the guest's segment at %x is where the runner is: link it elsewhere", at);
  long mapped =
      raw(SYS_mmap, at, size, (uint64_t)protection, (uint64_t)(MAP_PRIVATE | MAP_FIXED | flags), (uint64_t)file, offset);
  if (mapped != (long)at)
    fail("the guest's segment at %x (%u bytes) cannot be mapped: %s", at, size, strerror((int)-mapped));
}

// Past the end of its file a page is mapped and not there: SIGBUS. The runner goes on behind the guest's file.
static void map_file(uint64_t at, uint64_t size, int protection, const struct source *of, uint64_t from) {
  static const uint64_t BEYOND = 1ull << 40;
  uint64_t end = of->is_embedded ? page_up((uint64_t)(emu_image_end - emu_image)) : ~0ull, there = from >= end ? 0 : end - from;
  if (there > size) there = size;
  map(at, there, protection, 0, of->file, of->offset + from);
  map(at + there, size - there, protection, 0, of->file, BEYOND);
}

// Without /proc there is no file to map from.
static void copy(uint64_t at, uint64_t size, int protection, uint64_t offset) {
  map(at, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS, -1, 0);
  uint64_t end = (uint64_t)(emu_image_end - emu_image), left = offset < end ? end - offset : 0;
  memcpy((void *)at, emu_image + offset, size < left ? size : left);
  if (!(protection & PROT_WRITE)) RAW3(SYS_mprotect, at, size, protection);
}

static void map_segment(const struct source *of, const Elf64_Phdr *segment) {
  int protection = host_protection(segment->p_flags);
  uint64_t at = segment->p_vaddr + of->base, start = page_down(at);
  uint64_t file_end = at + segment->p_filesz, end = page_up(at + segment->p_memsz);
  uint64_t from = segment->p_offset - (at - start);
  guest_code_begin(start, end, segment->p_flags & PF_X, segment->p_flags & PF_W);
  if (segment->p_filesz) {
    if (of->file >= 0)
      map_file(start, page_up(file_end) - start, protection, of, from);
    else
      copy(start, page_up(file_end) - start, protection, from);
  }
  uint64_t anonymous = segment->p_filesz ? page_up(file_end) : start;
  map(anonymous, end - anonymous, protection, MAP_ANONYMOUS, -1, 0);
  // padzero(): the rest of the last file page, where the segment is writable.
  if (segment->p_filesz && segment->p_memsz > segment->p_filesz && protection & PROT_WRITE)
    memset((void *)file_end, 0, page_up(file_end) - file_end);
}

// Returns the first byte after the last segment.
static uint64_t map_segments(const struct source *of) {
  uint64_t last = 0;
  for (int i = 0; i < of->header->e_phnum; i++) {
    const Elf64_Phdr *segment = &of->segments[i];
    if (segment->p_type != PT_LOAD || !segment->p_memsz) continue;
    map_segment(of, segment);
    if (of->base + segment->p_vaddr + segment->p_memsz > last) last = of->base + segment->p_vaddr + segment->p_memsz;
  }
  return last;
}

// AT_PHDR: where the segment that holds the headers puts them.
static uint64_t phdr_address(const struct source *of) {
  uint64_t at = of->header->e_phoff;
  for (int i = 0; i < of->header->e_phnum; i++) {
    const Elf64_Phdr *segment = &of->segments[i];
    if (segment->p_type == PT_LOAD && segment->p_offset <= at && at - segment->p_offset < segment->p_filesz)
      return at - segment->p_offset + segment->p_vaddr + of->base;
  }
  return 0;
}

// The dynamic linker that the program names, as it is on the disk now. Returns its entry point.
static uint64_t map_interpreter(const char *path, uint64_t base) {
  static uint8_t head[PAGE]; // headers lie at the start, as the kernel and ld.so expect it, too
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)head;
  int file = (int)RAW4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) fail("the guest's dynamic linker %s cannot be opened: %s", path, strerror(-file));
  long size = RAW4(SYS_pread64, file, head, sizeof head, 0);
  if (size < (long)sizeof *header || memcmp(header->e_ident, ELFMAG "\2", 5) != 0 || header->e_type != ET_DYN ||
      header->e_phoff + header->e_phnum * sizeof(Elf64_Phdr) > (uint64_t)size)
    fail("the guest's dynamic linker %s is not one", path);
  struct source of = {header, (const Elf64_Phdr *)(head + header->e_phoff), base, file, 0, false};
  map_segments(&of);
  modules_interpreter(file);
  RAW1(SYS_close, file);
  return header->e_entry + base;
}

struct image image_map(void) {
  struct source of = program();
  of.file = (int)RAW4(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
  of.offset = image_offset();
  struct image image = {.entry = of.header->e_entry + of.base, .phdr = phdr_address(&of), .phnum = of.header->e_phnum};
  image.end = map_segments(&of);
  for (int i = 0; i < of.header->e_phnum; i++) {
    const Elf64_Phdr *segment = &of.segments[i];
    if (segment->p_type == PT_GNU_STACK) image.executable_stack = segment->p_flags & PF_X;
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
    if (!image.code) image.code = page_down(segment->p_vaddr + of.base);
    image.code_end = page_up(segment->p_vaddr + segment->p_memsz + of.base);
  }
  if (of.file >= 0) RAW1(SYS_close, of.file);
  image.start = image.entry;
  if (!*emu_interpreter) return image;
  image.interpreter = emu_modules->base;
  image.start = map_interpreter(emu_interpreter, emu_modules->base);
  return image;
}

bool image_covers_code(uint64_t from, uint64_t to) {
  struct source of = program();
  for (int i = 0; i < of.header->e_phnum; i++) {
    const Elf64_Phdr *segment = &of.segments[i];
    uint64_t at = segment->p_vaddr + of.base;
    if (segment->p_type == PT_LOAD && (segment->p_flags & (PF_X | PF_W)) == PF_X && at < to && at + segment->p_memsz > from) return true;
  }
  return false;
}
