// Owns the way back from a host PC to a guest PC: the runner's own .debug_line, whose "line" is the guest PC (DWARF 5, 6.2;
// versions 2 to 4 differ in the header only). Read when a fault happened, never before.
#include "core.h"
#include "codecache.h"
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct reader {
  const uint8_t *at, *end; // at > end never: what is missing reads as zero
};

static uint64_t fixed(struct reader *from, size_t size) {
  uint64_t value = 0;
  if ((size_t)(from->end - from->at) < size) {
    from->at = from->end;
    return 0;
  }
  memcpy(&value, from->at, size);
  from->at += size;
  return value;
}

static uint64_t uleb(struct reader *from) {
  uint64_t value = 0, byte = 0x80;
  for (unsigned shift = 0; byte & 0x80 && from->at < from->end; shift += 7) {
    byte = *from->at++;
    if (shift < 64) value |= (byte & 0x7f) << shift;
  }
  return value;
}

static int64_t sleb(struct reader *from) {
  const uint8_t *start = from->at;
  uint64_t value = uleb(from);
  unsigned bits = 7 * (unsigned)(from->at - start);
  if (bits && bits < 64 && from->at[-1] & 0x40) value |= ~0ull << bits;
  return (int64_t)value;
}

static void skip(struct reader *from, uint64_t size) {
  uint64_t left = (uint64_t)(from->end - from->at);
  from->at += size < left ? size : left;
}

struct rules {
  uint8_t instruction_size, line_range, opcode_base;
  int8_t line_base;
  uint8_t operands[256]; // per standard opcode
};

struct row {
  uint64_t address;
  uint32_t line;
};

enum { // DWARF 5, 7.22
  DW_LNS_copy = 1,
  DW_LNS_advance_pc,
  DW_LNS_advance_line,
  DW_LNS_const_add_pc = 8,
  DW_LNS_fixed_advance_pc,
  DW_LNE_end_sequence = 1,
  DW_LNE_set_address
};

// What one opcode does: changes `row`, and says whether a row is finished or the sequence is.
enum effect { NOTHING, ROW, END };

static enum effect extended(struct reader *program, struct row *row) {
  uint64_t size = uleb(program);
  struct reader body = *program;
  skip(program, size);
  uint64_t opcode = fixed(&body, 1);
  if (opcode == DW_LNE_set_address) row->address = fixed(&body, size == 9 ? 8 : 4);
  return opcode == DW_LNE_end_sequence ? END : NOTHING;
}

static enum effect step(struct reader *program, const struct rules *rules, struct row *row) {
  uint8_t opcode = (uint8_t)fixed(program, 1);
  if (opcode >= rules->opcode_base) {
    uint8_t adjusted = opcode - rules->opcode_base;
    row->address += (uint64_t)(adjusted / rules->line_range) * rules->instruction_size;
    row->line += (uint32_t)(rules->line_base + adjusted % rules->line_range);
    return ROW;
  }
  switch (opcode) {
  case 0: return extended(program, row);
  case DW_LNS_copy: return ROW;
  case DW_LNS_advance_pc: row->address += uleb(program) * rules->instruction_size; break;
  case DW_LNS_advance_line: row->line += (uint32_t)sleb(program); break;
  case DW_LNS_const_add_pc:
    row->address += (uint64_t)((255 - rules->opcode_base) / rules->line_range) * rules->instruction_size;
    break;
  case DW_LNS_fixed_advance_pc: row->address += fixed(program, 2); break;
  default:
    for (int i = 0; i < rules->operands[opcode]; i++) uleb(program);
  }
  return NOTHING;
}

// The line of the last row at or before `pc` in a sequence that covers it; 0: none.
static uint32_t run(struct reader program, const struct rules *rules, uint64_t pc) {
  struct row row = {0, 1}, before = {~0ull, 0};
  while (program.at < program.end) {
    enum effect effect = step(&program, rules, &row);
    if (effect == NOTHING) continue;
    if (before.address <= pc && pc < row.address) return before.line;
    before = row;
    if (effect == END) row = (struct row){0, 1}, before = (struct row){~0ull, 0};
  }
  return 0;
}

// One unit: its header, then its program.
static uint32_t search_unit(struct reader unit, size_t offset_size, uint64_t pc) {
  struct rules rules = {0};
  uint64_t version = fixed(&unit, 2);
  if (version < 2 || version > 5) return 0;
  if (version == 5) fixed(&unit, 2); // address and segment selector sizes
  uint64_t header_size = fixed(&unit, offset_size);
  struct reader program = unit;
  skip(&program, header_size);
  rules.instruction_size = (uint8_t)fixed(&unit, 1);
  if (version >= 4) fixed(&unit, 1); // operations per instruction: 1 on x86
  fixed(&unit, 1);                   // default is_stmt
  rules.line_base = (int8_t)fixed(&unit, 1);
  rules.line_range = (uint8_t)fixed(&unit, 1);
  rules.opcode_base = (uint8_t)fixed(&unit, 1);
  for (int i = 1; i < rules.opcode_base; i++) rules.operands[i] = (uint8_t)fixed(&unit, 1);
  return rules.line_range ? run(program, &rules, pc) : 0;
}

static uint32_t search(struct reader section, uint64_t pc) {
  uint32_t line = 0;
  while (!line && section.at < section.end) {
    uint64_t length = fixed(&section, 4);
    bool wide = length == 0xffffffff; // 64-bit DWARF
    if (wide) length = fixed(&section, 8);
    struct reader unit = section;
    skip(&section, length);
    unit.end = section.at;
    line = search_unit(unit, wide ? 8 : 4, pc);
  }
  return line;
}

static struct reader debug_line(const uint8_t *file, uint64_t size) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
  if (size < sizeof *header || header->e_shoff > size || (size - header->e_shoff) / sizeof(Elf64_Shdr) < header->e_shnum)
    return (struct reader){NULL, NULL};
  const Elf64_Shdr *section = (const Elf64_Shdr *)(file + header->e_shoff);
  const char *names = (const char *)file + section[header->e_shstrndx].sh_offset;
  for (int i = 0; i < header->e_shnum; i++)
    if (strcmp(names + section[i].sh_name, ".debug_line") == 0)
      return (struct reader){file + section[i].sh_offset, file + section[i].sh_offset + section[i].sh_size};
  return (struct reader){NULL, NULL};
}

// Lines have 32 bits: the rest of a PC is the region's.
static uint64_t locate_in_cache(uint64_t host_pc) {
  const struct region *region = cache_region_of(host_pc);
  if (!region) return 0;
  const uint8_t *lines = (const uint8_t *)region->lines;
  return search((struct reader){lines, lines + region->lines_size}, host_pc) | (region->pc & ~0xffffffffull);
}

static uint64_t locate_in_image(uint64_t host_pc) {
  struct stat is;
  long file = RAW4(SYS_openat, AT_FDCWD, "/proc/thread-self/exe", O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return 0;
  long at = RAW2(SYS_fstat, file, &is);
  if (!at) at = raw(SYS_mmap, 0, (uint64_t)is.st_size, PROT_READ, MAP_PRIVATE, (uint64_t)file, 0);
  RAW1(SYS_close, file);
  if (at < 0 && at > -4096) return 0;
  uint64_t line = search(debug_line((const uint8_t *)at, (uint64_t)is.st_size), host_pc);
  RAW2(SYS_munmap, at, is.st_size);
  return line;
}

// Programs that live on faults have a few places where they happen, again and again.
uint64_t locate(uint64_t host_pc) {
  static _Thread_local struct {
    uint64_t host, guest;
  } known[32];
  if (cache_holds(host_pc)) return locate_in_cache(host_pc);
  uint64_t n = host_pc / 4 % 32;
  if (known[n].host != host_pc) known[n].guest = locate_in_image(host_pc), known[n].host = host_pc;
  return known[n].guest;
}
