// Owns the way back from a host PC to a guest PC: the runner's own .debug_line, whose "line" is the guest PC in the file "guest", and a line of C in
// the files of probes (DWARF 5, 6.2; versions 2 to 4 differ in the header only). Read when a fault happened, never before.
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
  uint32_t line, file;
};

// What a host PC is found to be.
struct place {
  uint32_t line; // 0: nothing that is known
  char file[SOURCE_NAME]; // without its folder; "": the guest
};

struct strings { // .debug_line_str
  uint64_t at, size;
};

enum { // DWARF 5, 7.22
  DW_LNS_copy = 1,
  DW_LNS_advance_pc,
  DW_LNS_advance_line,
  DW_LNS_set_file,
  DW_LNS_const_add_pc = 8,
  DW_LNS_fixed_advance_pc,
  DW_LNE_end_sequence = 1,
  DW_LNE_set_address,
  DW_LNCT_path = 1,
  DW_FORM_data2 = 0x05,
  DW_FORM_string = 0x08,
  DW_FORM_data1 = 0x0b,
  DW_FORM_udata = 0x0f,
  DW_FORM_data16 = 0x1e,
  DW_FORM_line_strp = 0x1f
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
  case DW_LNS_set_file: row->file = (uint32_t)uleb(program); break;
  case DW_LNS_const_add_pc:
    row->address += (uint64_t)((255 - rules->opcode_base) / rules->line_range) * rules->instruction_size;
    break;
  case DW_LNS_fixed_advance_pc: row->address += fixed(program, 2); break;
  default:
    for (int i = 0; i < rules->operands[opcode]; i++) uleb(program);
  }
  return NOTHING;
}

// The last row at or before `pc` in a sequence that covers it; line 0: none.
static struct row run(struct reader program, const struct rules *rules, uint64_t pc) {
  const struct row first = {0, 1, 1}, none = {~0ull, 0, 0};
  struct row row = first, before = none;
  while (program.at < program.end) {
    enum effect effect = step(&program, rules, &row);
    if (effect == NOTHING) continue;
    if (before.address <= pc && pc < row.address) return before;
    before = row;
    if (effect == END) row = first, before = none;
  }
  return none;
}

// A value in a table of names; `text` is set where it is a text.
static void read_form(struct reader *table, uint64_t form, size_t offset_size, struct strings strings, const char **text) {
  uint64_t offset;
  switch (form) {
  case DW_FORM_string:
    *text = (const char *)table->at;
    skip(table, strnlen(*text, (size_t)(table->end - table->at)) + 1);
    break;
  case DW_FORM_line_strp:
    offset = fixed(table, offset_size);
    if (offset < strings.size) *text = (const char *)(strings.at + offset);
    break;
  case DW_FORM_data1: skip(table, 1); break;
  case DW_FORM_data2: skip(table, 2); break;
  case DW_FORM_data16: skip(table, 16); break;
  default: uleb(table);
  }
}

// The n-th name of the header's second table; the first one has folders. NULL: there is none.
static const char *file_name(struct reader table, size_t offset_size, struct strings strings, uint32_t n) {
  for (int files = 0; files < 2; files++) {
    uint64_t kind[16], form[16], kinds = fixed(&table, 1);
    for (uint64_t k = 0; k < kinds && k < 16; k++) kind[k] = uleb(&table), form[k] = uleb(&table);
    uint64_t count = kinds > 16 ? 0 : uleb(&table);
    for (uint64_t i = 0; i < count && table.at < table.end; i++)
      for (uint64_t k = 0; k < kinds; k++) {
        const char *text = NULL;
        read_form(&table, form[k], offset_size, strings, &text);
        if (files && i == n && kind[k] == DW_LNCT_path && text) return text;
      }
  }
  return NULL;
}

// First-tier code has no names (LineTable.cs): it is the guest's.
static struct place place_of(struct row row, const char *name) {
  struct place place = {.line = row.line};
  if (!name || !strcmp(name, "guest")) return place;
  const char *slash = strrchr(name, '/');
  strncpy(place.file, slash ? slash + 1 : name, sizeof place.file - 1);
  return place;
}

// One unit: its header, then its program.
static struct place search_unit(struct reader unit, size_t offset_size, struct strings strings, uint64_t pc) {
  struct rules rules = {0};
  uint64_t version = fixed(&unit, 2);
  if (version < 2 || version > 5) return (struct place){0};
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
  if (!rules.line_range) return (struct place){0};
  struct row row = run(program, &rules, pc);
  return place_of(row, row.line && version == 5 ? file_name(unit, offset_size, strings, row.file) : NULL);
}

static struct place search(struct reader section, struct strings strings, uint64_t pc) {
  struct place place = {0};
  while (!place.line && section.at < section.end) {
    uint64_t length = fixed(&section, 4);
    bool wide = length == 0xffffffff; // 64-bit DWARF
    if (wide) length = fixed(&section, 8);
    struct reader unit = section;
    skip(&section, length);
    unit.end = section.at;
    place = search_unit(unit, wide ? 8 : 4, strings, pc);
  }
  return place;
}

static struct reader section_of(const uint8_t *file, uint64_t size, const char *name) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
  if (size < sizeof *header || header->e_shoff > size || (size - header->e_shoff) / sizeof(Elf64_Shdr) < header->e_shnum)
    return (struct reader){NULL, NULL};
  const Elf64_Shdr *section = (const Elf64_Shdr *)(file + header->e_shoff);
  const char *names = (const char *)file + section[header->e_shstrndx].sh_offset;
  for (int i = 0; i < header->e_shnum; i++)
    if (strcmp(names + section[i].sh_name, name) == 0)
      return (struct reader){file + section[i].sh_offset, file + section[i].sh_offset + section[i].sh_size};
  return (struct reader){NULL, NULL};
}

// Offsets of names are their addresses (ObjectLoader.cs).
static struct place find_in_cache(const struct region *region, uint64_t host_pc) {
  const uint8_t *lines = (const uint8_t *)region->lines;
  return search((struct reader){lines, lines + region->lines_size}, (struct strings){0, ~0ull}, host_pc);
}

static const uint8_t *kept; // the runner's file, where it could not be opened any more; NULL: it can
static uint64_t kept_size;

// NULL: it cannot be mapped.
static const uint8_t *map_runner(uint64_t *size) {
  struct stat is;
  long file = RAW4(SYS_openat, AT_FDCWD, "/proc/thread-self/exe", O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return NULL;
  long at = RAW2(SYS_fstat, file, &is);
  if (!at) at = raw(SYS_mmap, 0, (uint64_t)is.st_size, PROT_READ, MAP_PRIVATE, (uint64_t)file, 0);
  RAW1(SYS_close, file);
  *size = (uint64_t)is.st_size;
  return at < 0 && at > -PAGE ? NULL : (const uint8_t *)at;
}

void locate_prepare(void) {
  if (kept || !(kept = map_runner(&kept_size))) return;
  memory_protect_runner((uint64_t)kept, page_up((uint64_t)kept + kept_size));
}

static struct place find_in_image(uint64_t host_pc) {
  uint64_t size = kept_size;
  const uint8_t *file = kept ? kept : map_runner(&size);
  if (!file) return (struct place){0};
  struct reader names = section_of(file, size, ".debug_line_str");
  struct strings strings = {(uint64_t)names.at, (uint64_t)(names.end - names.at)};
  struct place place = search(section_of(file, size, ".debug_line"), strings, host_pc);
  if (!kept) RAW2(SYS_munmap, file, size);
  return place;
}

static uint64_t guests(struct place place) { return *place.file ? 0 : place.line; }

// Lines have 32 bits: the rest of a PC is the region's.
static uint64_t locate_in_cache(uint64_t host_pc) {
  const struct region *region = cache_region_of(host_pc);
  uint64_t line = region ? guests(find_in_cache(region, host_pc)) : 0;
  return line ? line | (region->pc & ~0xffffffffull) : 0;
}

// Programs that live on faults have a few places where they happen, again and again.
uint64_t locate(uint64_t host_pc) {
  static _Thread_local struct {
    uint64_t host, guest;
  } known[32];
  if (cache_holds(host_pc)) return locate_in_cache(host_pc);
  uint64_t n = host_pc / 4 % 32;
  if (known[n].host != host_pc) known[n].guest = guests(find_in_image(host_pc)), known[n].host = host_pc;
  return known[n].guest;
}

uint32_t locate_in_source(uint64_t host_pc, char file[SOURCE_NAME]) {
  const struct region *region = cache_holds(host_pc) ? cache_region_of(host_pc) : NULL;
  struct place place = region ? find_in_cache(region, host_pc) : find_in_image(host_pc);
  memcpy(file, place.file, SOURCE_NAME);
  return *file ? place.line : 0;
}
