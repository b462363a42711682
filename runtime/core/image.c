// Owns the guest's segments: maps what the runner embeds where the guest expects it (load_elf_binary in fs/binfmt_elf.c).
#include "core.h"
#include "codecache.h"
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

extern const Elf64_Ehdr __ehdr_start; // the runner's own headers (lld)

static const Elf64_Ehdr *header(void) { return (const Elf64_Ehdr *)emu_image; }

static const Elf64_Phdr *segments(void) { return (const Elf64_Phdr *)(emu_image + header()->e_phoff); }

// Guest text is data to the host: never executable, always readable (execute-only is readable on x86 without protection keys).
static int host_protection(uint32_t flags) {
  int protection = 0;
  if (flags & (PF_R | PF_X)) protection |= PROT_READ;
  if (flags & PF_W) protection |= PROT_WRITE;
  return protection;
}

// Offset of emu_image in the runner's file.
static uint64_t image_offset(void) {
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
    fail("the guest's segment at %x (%u bytes) cannot be mapped: %s", at, size, strerrordesc_np((int)-mapped));
}

// Without /proc there is no file to map from.
static void copy(uint64_t at, uint64_t size, int protection, uint64_t offset) {
  map(at, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS, -1, 0);
  uint64_t left = (uint64_t)(emu_image_end - emu_image) - offset;
  memcpy((void *)at, emu_image + offset, size < left ? size : left);
  if (!(protection & PROT_WRITE)) RAW3(SYS_mprotect, at, size, protection);
}

static void map_segment(const Elf64_Phdr *segment, int file, uint64_t offset) {
  int protection = host_protection(segment->p_flags);
  uint64_t at = segment->p_vaddr + emu_image_base, start = page_down(at);
  uint64_t file_end = at + segment->p_filesz, end = page_up(at + segment->p_memsz);
  uint64_t from = segment->p_offset - (at - start);
  if (segment->p_flags & PF_X) guest_code_begin(start, end, segment->p_flags & PF_W);
  if (segment->p_filesz) {
    if (file >= 0)
      map(start, page_up(file_end) - start, protection, 0, file, offset + from);
    else
      copy(start, page_up(file_end) - start, protection, from);
  }
  uint64_t anonymous = segment->p_filesz ? page_up(file_end) : start;
  map(anonymous, end - anonymous, protection, MAP_ANONYMOUS, -1, 0);
  // padzero(): the rest of the last file page, where the segment is writable.
  if (segment->p_filesz && segment->p_memsz > segment->p_filesz && protection & PROT_WRITE)
    memset((void *)file_end, 0, page_up(file_end) - file_end);
}

// AT_PHDR: where the segment that holds the headers puts them.
static uint64_t phdr_address(void) {
  const Elf64_Phdr *segment = segments();
  uint64_t at = header()->e_phoff;
  for (int i = 0; i < header()->e_phnum; i++)
    if (segment[i].p_type == PT_LOAD && segment[i].p_offset <= at && at - segment[i].p_offset < segment[i].p_filesz)
      return at - segment[i].p_offset + segment[i].p_vaddr + emu_image_base;
  return 0;
}

struct image image_map(void) {
  struct image image = {.entry = header()->e_entry + emu_image_base, .phdr = phdr_address(), .phnum = header()->e_phnum};
  const Elf64_Phdr *segment = segments();
  int file = (int)RAW4(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
  uint64_t offset = image_offset();
  for (int i = 0; i < header()->e_phnum; i++) {
    if (segment[i].p_type != PT_LOAD || !segment[i].p_memsz) continue;
    map_segment(&segment[i], file, offset);
    uint64_t end = segment[i].p_vaddr + emu_image_base + segment[i].p_memsz;
    if (end > image.end) image.end = end;
  }
  if (file >= 0) RAW1(SYS_close, file);
  return image;
}

bool image_covers_code(uint64_t from, uint64_t to) {
  const Elf64_Phdr *segment = segments();
  for (int i = 0; i < header()->e_phnum; i++) {
    uint64_t at = segment[i].p_vaddr + emu_image_base;
    if (segment[i].p_type == PT_LOAD && (segment[i].p_flags & (PF_X | PF_W)) == PF_X && at < to && at + segment[i].p_memsz > from) return true;
  }
  return false;
}
