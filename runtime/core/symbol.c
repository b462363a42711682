// Owns the names in messages: the nearest function symbol of the guest's .symtab, of a library's .symtab or .dynsym. The files may be
// anything; every offset is checked.
#include "core.h"
#include "modules.h"
#include "sandbox.h"
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static _Thread_local const uint8_t *file;
static _Thread_local uint64_t file_size;

static const void *in_image(uint64_t offset, uint64_t size) {
  return offset <= file_size && size <= file_size - offset ? file + offset : NULL;
}

static const Elf64_Shdr *section(uint64_t index) {
  const Elf64_Ehdr *header = in_image(0, sizeof *header);
  if (!header || index >= header->e_shnum || header->e_shentsize != sizeof(Elf64_Shdr)) return NULL;
  return in_image(header->e_shoff + index * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
}

static bool covers(const Elf64_Sym *symbol, uint64_t pc) {
  if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC && ELF64_ST_TYPE(symbol->st_info) != STT_GNU_IFUNC) return false;
  return symbol->st_shndx != SHN_UNDEF && symbol->st_value <= pc &&
         (symbol->st_size == 0 || pc - symbol->st_value < symbol->st_size);
}

// Of several names for a place, the nearest start wins, then the first global one.
static bool better(const Elf64_Sym *a, const Elf64_Sym *than) {
  if (!than || a->st_value != than->st_value) return !than || a->st_value > than->st_value;
  return ELF64_ST_BIND(a->st_info) == STB_GLOBAL && ELF64_ST_BIND(than->st_info) != STB_GLOBAL;
}

static struct symbol search(const Elf64_Shdr *table, uint64_t pc) {
  struct symbol none = {0};
  const Elf64_Shdr *names = section(table->sh_link);
  const Elf64_Sym *symbols = in_image(table->sh_offset, table->sh_size), *best = NULL;
  const char *text = names ? in_image(names->sh_offset, names->sh_size) : NULL;
  if (!symbols || !text) return none;
  for (uint64_t i = 0; i < table->sh_size / sizeof *symbols; i++)
    if (covers(&symbols[i], pc) && symbols[i].st_name < names->sh_size && better(&symbols[i], best)) best = &symbols[i];
  if (!best) return none;
  return (struct symbol){NULL, text + best->st_name, strnlen(text + best->st_name, names->sh_size - best->st_name),
                         pc - best->st_value};
}

static struct symbol search_file(uint64_t pc) {
  const Elf64_Shdr *at, *best = NULL;
  for (uint64_t i = 0; (at = section(i)); i++)
    if (at->sh_type == SHT_SYMTAB || (at->sh_type == SHT_DYNSYM && !best)) best = at;
  return best ? search(best, pc) : (struct symbol){0};
}

// Stays mapped: the symbol's name is in it, and this is the guest's last line.
static bool open_module(const struct emu_module *module) {
  struct stat is;
  if (!sandbox_may(NEED_FILES) || !sandbox_may(NEED_MAP)) return false;
  long fd = RAW4(SYS_openat, AT_FDCWD, module->path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  long at = RAW2(SYS_fstat, fd, &is);
  if (!at) at = raw(SYS_mmap, 0, (uint64_t)is.st_size, PROT_READ, MAP_PRIVATE, (uint64_t)fd, 0);
  RAW1(SYS_close, fd);
  if (at < 0 && at > -PAGE) return false;
  file = (const uint8_t *)at, file_size = (uint64_t)is.st_size;
  return true;
}

struct symbol symbol_of(uint64_t guest_pc) {
  const struct emu_module *module = modules_at(guest_pc);
  file = emu_image, file_size = (uint64_t)(emu_image_end - emu_image);
  if (!module) return search_file(guest_pc - emu_image_base);
  struct symbol symbol = open_module(module) ? search_file(guest_pc - module->base) : (struct symbol){0};
  symbol.module = strrchr(module->path, '/') + 1;
  if (!symbol.name) symbol.offset = guest_pc - module->base;
  return symbol;
}
