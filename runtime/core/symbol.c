// Owns the names in messages: the nearest function symbol of the guest's .symtab. The image may be anything; every offset
// is checked.
#include "core.h"
#include <elf.h>
#include <string.h>

static const void *in_image(uint64_t offset, uint64_t size) {
  uint64_t total = (uint64_t)(emu_image_end - emu_image);
  return offset <= total && size <= total - offset ? emu_image + offset : NULL;
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
  return (struct symbol){text + best->st_name, strnlen(text + best->st_name, names->sh_size - best->st_name),
                         pc - best->st_value};
}

struct symbol symbol_of(uint64_t guest_pc) {
  const Elf64_Shdr *at;
  for (uint64_t i = 0; (at = section(i)); i++)
    if (at->sh_type == SHT_SYMTAB) return search(at, guest_pc - emu_image_base);
  return (struct symbol){0};
}
