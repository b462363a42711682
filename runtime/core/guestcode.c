// Owns what is executable for the guest, and the watch over pages from which code was translated at run time: writable ones are
// write-protected, so that the first store withdraws their regions. A page that is written again and again is left alone, and code
// in it compares its own bytes.
#include "core.h"
#include "codecache.h"
#include "modules.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { MOST_SPANS = 1 << 18, PAGES = 1 << 16, LINKS = 1 << 19, PATIENCE = 32, NONE = 0 };

// Executable memory, by address.
static struct span {
  uint64_t from, to;
  bool writable, is_private; // private: known to be, where it cannot be found out any more
} spans[MOST_SPANS];
static size_t count;

// A page from which code was translated, and the regions with code in it.
static struct page {
  uint64_t at;   // 0: free
  uint64_t code; // the page that has the regions of this one: at, or another one with the same contents
  uint32_t first, writes;
  bool is_protected, is_shared, is_private; // private: known to have no alias while the mapping is the same
} pages[PAGES];

static struct link {
  uint32_t region, next;
} links[LINKS];

static uint32_t used_links = 1, free_links, used_pages, protected_pages, shared_pages;
static bool protects = true; // the guest may forbid it
static uint64_t changes;
static bool unseen; // the kernel may write at any time

uint64_t guest_changes(void) { return __atomic_load_n(&changes, __ATOMIC_ACQUIRE); }

static void insert(size_t at, struct span span) {
  if (count == MOST_SPANS) fail("the guest has more than %u executable mappings", (uint64_t)MOST_SPANS);
  memmove(&spans[at + 1], &spans[at], (count - at) * sizeof *spans);
  spans[at] = span;
  count++;
}

// The first one that ends above an address.
static size_t first_above(uint64_t address) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (spans[middle].to <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Cuts [from, to) out. Returns where in the list a span there belongs.
static size_t cut(uint64_t from, uint64_t to) {
  size_t at = first_above(from);
  if (at < count && spans[at].from < from) {
    struct span rest = {to, spans[at].to, spans[at].writable, spans[at].is_private};
    spans[at++].to = from;
    if (rest.to > to) insert(at, rest);
  }
  size_t last = at;
  while (last < count && spans[last].to <= to) last++;
  memmove(&spans[at], &spans[last], (count - last) * sizeof *spans);
  count -= last - at;
  if (at < count && spans[at].from < to) spans[at].from = to;
  return at;
}

static const struct span *span_of(uint64_t address) {
  size_t at = first_above(address);
  return at < count && spans[at].from <= address ? &spans[at] : NULL;
}

bool guest_executable(uint64_t address) {
  lock(LOCK_CODE);
  bool executable = span_of(address);
  unlock(LOCK_CODE);
  return executable;
}

bool guest_executable_range(uint64_t from, uint64_t size) {
  lock(LOCK_CODE);
  const struct span *span = NULL;
  uint64_t at = from;
  while (at < from + size && (span = span_of(at))) at = span->to;
  unlock(LOCK_CODE);
  return at >= from + size;
}

uint64_t guest_code_protection(uint64_t address) {
  const struct span *span = span_of(address);
  return !span ? PROT_NONE : PROT_READ | PROT_EXEC | (span->writable ? PROT_WRITE : 0);
}

static struct page *page_of(uint64_t at) {
  uint64_t i = (at >> 12) * 0x9e3779b97f4a7c15u >> 48;
  while (pages[i].at && pages[i].at != at) i = (i + 1) % PAGES;
  return &pages[i];
}

// All places where the same page is mapped have their regions together.
static struct page *code_of(const struct page *page) { return page_of(page->code); }

static struct page *known_page(uint64_t at) {
  struct page *page = page_of(at);
  if (page->at) return page;
  if (used_pages == PAGES / 2) fail("the guest has generated code in more than %u pages", (uint64_t)PAGES / 2);
  used_pages++;
  page->at = page->code = at;
  return page;
}

static void set_protection(struct page *page, bool on) {
  if (page->is_protected == on) return;
  RAW3(SYS_mprotect, page->at, PAGE, on ? PROT_READ : PROT_READ | PROT_WRITE);
  page->is_protected = on;
  protected_pages += on ? 1 : -1u;
}

// Loops ask at the safepoint where the core lets them ask.
static void withdraw(struct page *page) {
  __atomic_fetch_add(&changes, 1, __ATOMIC_ACQ_REL);
  bool any = page->first != NONE;
  for (uint32_t i = page->first, next; i != NONE; i = next) {
    cache_withdraw(links[i].region);
    next = links[i].next;
    links[i].next = free_links;
    free_links = i;
  }
  page->first = NONE;
  if (any) threads_call_to_core();
}

static void link_to(struct page *page, uint32_t region) {
  for (uint32_t i = page->first; i != NONE; i = links[i].next)
    if (links[i].region == region) return;
  uint32_t i = free_links ? free_links : used_links++;
  if (i == LINKS) fail("the guest has generated more code than the runner can watch");
  if (i == free_links) free_links = links[i].next;
  links[i] = (struct link){region, page->first};
  page->first = i;
}

static void watch_alias(uint64_t alias, void *with) {
  struct page *page = known_page(alias), *code = code_of(with);
  if (code_of(page) != code) withdraw(code_of(page));
  page->code = code->at;
  set_protection(page, true);
}

static void see_alias(uint64_t alias, void *with) { (void)alias, (void)with; }

static enum page_state state_of(uint64_t at) {
  const struct span *span = span_of(at);
  if (!span) return PAGE_ABSENT;
  if (unseen) return span->writable || writers_may_change(at) || aliases_of(at, see_alias, NULL) ? PAGE_CHECKED : PAGE_CONSTANT;
  struct page *page = known_page(at);
  if (span->writable && !protects) return PAGE_CHECKED;
  if (code_of(page)->writes < PATIENCE && !page->is_private && !span->is_private) {
    enum sharing sharing = aliases_of(at, watch_alias, page);
    if (sharing == SHARING_UNKNOWN) return PAGE_CHECKED;
    shared_pages += sharing == SHARED && !page->is_shared;
    page->is_shared |= sharing == SHARED;
    page->is_private = sharing == PRIVATE;
  }
  enum page_state state = !span->writable && !page->is_shared ? PAGE_CONSTANT : code_of(page)->writes < PATIENCE ? PAGE_WATCHED : PAGE_CHECKED;
  if (state == PAGE_WATCHED && span->writable) set_protection(page, true);
  return state;
}

enum page_state guest_page(uint64_t at, uint8_t bytes[4096]) {
  lock(LOCK_CODE);
  enum page_state state = state_of(at);
  unlock(LOCK_CODE);
  return state != PAGE_ABSENT && copy_in(bytes, at, PAGE) ? state : PAGE_ABSENT;
}

bool guest_code_used(const struct region *region, uint64_t since) {
  lock(LOCK_CODE);
  bool unchanged = changes == since;
  for (uint32_t i = 0; unchanged && i < region->ranges; i++)
    for (uint64_t at = page_down(region->range[i].from); at < region->range[i].from + region->range[i].size; at += PAGE)
      link_to(code_of(known_page(at)), region->id);
  if (unchanged) cache_add(region);
  unlock(LOCK_CODE);
  return unchanged;
}

static bool stored(uint64_t address) {
  struct page *page = page_of(page_down(address));
  if (!page->at || !page->is_protected) return false;
  struct page *code = code_of(page);
  code->writes++;
  withdraw(code);
  set_protection(page, false);
  return true;
}

bool guest_stored(uint64_t address) {
  if (!used_pages) return false;
  lock(LOCK_CODE);
  bool again = stored(address);
  unlock(LOCK_CODE);
  return again || touch(address); // another thread may have made the page writable meanwhile, by a store or by a call
}

void guest_forget_all(void) {
  lock(LOCK_CODE);
  __atomic_fetch_add(&changes, 1, __ATOMIC_ACQ_REL); // what is being translated may rely on what is given up
  cache_forget_all();
  threads_call_to_core();
  unlock(LOCK_CODE);
}

void guest_forget_pages(void) {
  lock(LOCK_CODE);
  for (size_t i = 0; i < PAGES; i++)
    if (pages[i].at) set_protection(&pages[i], false);
  memset(pages, 0, sizeof pages);
  used_links = 1, free_links = used_pages = protected_pages = shared_pages = 0;
  changes++;
  unlock(LOCK_CODE);
}

// What is mapped later is not known to be private.
static void note_shared(uint64_t from, uint64_t to) {
  for (size_t i = 0; i < count; i++)
    if (spans[i].from < to && from < spans[i].to) spans[i].is_private = false;
}

void guest_seal(bool may_protect) {
  if (!may_protect && used_pages) guest_forget_all(), guest_forget_pages();
  lock(LOCK_CODE);
  for (size_t i = 0; i < count; i++) spans[i].is_private = true;
  if (!aliases_each_shared(note_shared)) note_shared(0, ~0ull);
  protects = may_protect;
  unlock(LOCK_CODE);
}

void guest_writable_now(void) {
  for (size_t i = 0; shared_pages && i < PAGES; i++)
    if (pages[i].is_shared) withdraw(code_of(&pages[i]));
}

static bool unwatch(uint64_t from, uint64_t size) {
  bool any = false;
  if (size / PAGE < PAGES) {
    for (uint64_t at = page_down(from); at < from + size; at += PAGE) any |= stored(at);
    return any;
  }
  for (size_t i = 0; i < PAGES; i++)
    if (pages[i].is_protected) any |= stored(pages[i].at);
  return any;
}

bool guest_watch_is_full(void) { return used_pages > PAGES / 2 - 1024 || (!free_links && used_links > LINKS - 1024); }

bool guest_watches(void) { return protected_pages; }

bool guest_unwatch(uint64_t from, uint64_t size) {
  if (!protected_pages || !size) return false;
  lock(LOCK_CODE);
  bool any = unwatch(from, size);
  unlock(LOCK_CODE);
  return any;
}

static void forget_page(struct page *page) {
  if (!page->at) return;
  withdraw(code_of(page));
  page->code = page->at;
  if (page->is_protected) protected_pages--;
  page->is_protected = page->is_private = false;
}

void guest_written_unseen(void) {
  lock(LOCK_CODE);
  bool first = !unseen;
  unseen = true;
  for (size_t i = 0; first && i < PAGES; i++)
    if (pages[i].at) set_protection(&pages[i], false), forget_page(&pages[i]);
  unlock(LOCK_CODE);
}

// The next page that is write-protected for the watch.
static uint64_t next_protected(uint64_t from, uint64_t to) {
  for (size_t i = 0; protected_pages && i < PAGES; i++)
    if (pages[i].is_protected && pages[i].at >= from && pages[i].at < to) to = pages[i].at;
  return to;
}

static void lower(uint64_t *to, uint64_t at, uint64_t limit) {
  if (limit > at && limit < *to) *to = limit;
}

int guest_protection(uint64_t at, uint64_t *to) {
  lock(LOCK_CODE);
  bool executable = false, writable = next_protected(at, *to) == at;
  for (size_t i = 0; i < count; i++) {
    lower(to, at, spans[i].from), lower(to, at, spans[i].to);
    executable |= at >= spans[i].from && at < spans[i].to;
  }
  lower(to, at, writable ? at + PAGE : next_protected(at, *to));
  unlock(LOCK_CODE);
  return (executable ? PROT_EXEC : 0) | (writable ? PROT_WRITE : 0);
}

// Whatever was known of the pages is void: they are others now, or their protection is.
static void forget(uint64_t from, uint64_t to) {
  if (!used_pages) return;
  if ((to - from) / PAGE < 256) {
    for (uint64_t at = from; at < to; at += PAGE) forget_page(page_of(at));
    return;
  }
  for (size_t i = 0; i < PAGES; i++)
    if (pages[i].at >= from && pages[i].at < to) forget_page(&pages[i]);
}

static void add(size_t at, struct span span) {
  bool joins = at > 0 && spans[at - 1].to == span.from && spans[at - 1].writable == span.writable && spans[at - 1].is_private == span.is_private;
  if (joins)
    spans[at - 1].to = span.to;
  else
    insert(at, span);
}

// Ranges that a call has changed, two at most: what was translated ahead of time there is given up when LOCK_CODE is free again.
static struct changed {
  uint64_t from, to;
  bool is_gone;
} changed[2];
static size_t changed_count;

void guest_mapping_begins(void) {
  lock(LOCK_CODE);
  changed_count = 0;
}

void guest_mapping_ends(void) {
  unlock(LOCK_CODE);
  for (size_t i = 0; i < changed_count; i++) {
    const struct changed *c = &changed[i];
    if (image_covers_code(c->from, c->to)) regions_forget_image();
    modules_changed(c->from, c->to, c->is_gone);
  }
}

static void change(uint64_t from, uint64_t to, uint64_t protection) {
  forget(from, to);
  size_t at = cut(from, to);
  if (protection & PROT_EXEC) add(at, (struct span){from, to, (protection & PROT_WRITE) != 0, false});
  changed[changed_count++] = (struct changed){from, to, protection == PROT_NONE};
}

void guest_mapped(uint64_t from, uint64_t size, uint64_t protection) {
  if (count && size) change(page_down(from), page_up(from + size), protection);
}

void guest_protected(uint64_t from, uint64_t size, uint64_t protection) {
  const struct span *span = span_of(from);
  bool constant = (protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) == (PROT_READ | PROT_EXEC);
  if (!constant || !span || span->writable || span->to < from + size) guest_mapped(from, size, protection);
}

void guest_moves(uint64_t from, uint64_t size) {
  if (protected_pages) unwatch(from, size);
}

void guest_changed(uint64_t from, uint64_t size) {
  guest_moves(from, size);
  forget(page_down(from), page_up(from + size));
  changed[changed_count++] = (struct changed){from, from + size, false};
}

void guest_code_begin(uint64_t from, uint64_t to, bool executable, bool writable) {
  size_t at = cut(page_down(from), page_up(to));
  if (executable) add(at, (struct span){page_down(from), page_up(to), writable, false});
}
