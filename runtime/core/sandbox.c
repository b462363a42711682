// Owns what the guest has forbidden itself by seccomp. Its filters are run here, too, with the calls that the core makes on its own (the
// guest's go to the kernel): what they do not allow is done in another way, which is prepared before a filter is installed.
#include "core.h"
#include "codecache.h"
#include "data.h"
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

// Filters are never given up: those of a thread are one and all that it had when it was installed.
enum { MOST_FILTERS = 256, MOST_STEPS = 1 << 16 };
static struct sock_filter steps[MOST_STEPS];
static struct filter {
  uint32_t first, count;
  const struct filter *before; // NULL: none
} filters[MOST_FILTERS];
static uint32_t used_filters, used_steps;

static const struct filter strict; // only read, write, exit and rt_sigreturn
static _Thread_local const struct filter *newest;
static bool may_not[NEEDS], sealed;

// --- Classic BPF as seccomp allows it (kernel/seccomp.c: seccomp_check_filter) ------------------------------------------------------

static uint32_t compute(uint16_t code, uint32_t a, uint32_t b) {
  switch (BPF_OP(code)) {
  case BPF_ADD: return a + b;
  case BPF_SUB: return a - b;
  case BPF_MUL: return a * b;
  case BPF_DIV: return b ? a / b : 0;
  case BPF_AND: return a & b;
  case BPF_OR: return a | b;
  case BPF_XOR: return a ^ b;
  case BPF_LSH: return a << (b & 31);
  case BPF_RSH: return a >> (b & 31);
  }
  return -a; // BPF_NEG
}

static bool compare(uint16_t code, uint32_t a, uint32_t b) {
  switch (BPF_OP(code)) {
  case BPF_JEQ: return a == b;
  case BPF_JGT: return a > b;
  case BPF_JGE: return a >= b;
  case BPF_JSET: return a & b;
  }
  return true; // BPF_JA
}

static uint32_t load(const struct sock_filter *step, const struct seccomp_data *data, const uint32_t memory[BPF_MEMWORDS]) {
  uint32_t value = 0;
  switch (BPF_MODE(step->code)) {
  case BPF_ABS:
    if (step->k <= sizeof *data - 4) memcpy(&value, (const uint8_t *)data + step->k, 4);
    return value;
  case BPF_LEN: return sizeof *data;
  case BPF_MEM: return memory[step->k % BPF_MEMWORDS];
  }
  return step->k; // BPF_IMM
}

// What the filter returns.
static uint32_t run(const struct filter *filter, const struct seccomp_data *data) {
  uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
  for (const struct sock_filter *at = &steps[filter->first], *end = at + filter->count; at < end; at++) {
    uint32_t operand = BPF_SRC(at->code) == BPF_X ? x : at->k;
    switch (BPF_CLASS(at->code)) {
    case BPF_LD: a = load(at, data, memory); break;
    case BPF_LDX: x = load(at, data, memory); break;
    case BPF_ST: memory[at->k % BPF_MEMWORDS] = a; break;
    case BPF_STX: memory[at->k % BPF_MEMWORDS] = x; break;
    case BPF_ALU: a = compute(at->code, a, operand); break;
    case BPF_JMP: at += BPF_OP(at->code) == BPF_JA ? at->k : compare(at->code, a, operand) ? at->jt : at->jf; break;
    case BPF_RET: return BPF_RVAL(at->code) == BPF_A ? a : at->k;
    case BPF_MISC: BPF_MISCOP(at->code) == BPF_TAX ? (x = a) : (a = x); break;
    }
  }
  return SECCOMP_RET_KILL_PROCESS;
}

static bool passes(const struct filter *chain, long number, const uint64_t args[6]) {
  struct seccomp_data data = {.nr = (int)number, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = emu_state.rip};
  for (int i = 0; i < 6; i++) data.args[i] = args[i];
  for (const struct filter *f = chain; f; f = f->before) {
    if (f == &strict && number != SYS_read && number != SYS_write && number != SYS_exit && number != SYS_rt_sigreturn) return false;
    uint32_t action = f == &strict ? SECCOMP_RET_ALLOW : run(f, &data) & SECCOMP_RET_ACTION_FULL;
    if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG) return false;
  }
  return true;
}

bool sandbox_allows(long number, const uint64_t args[6]) { return !newest || passes(newest, number, args); }

// --- What the runner needs --------------------------------------------------------------------------------------------------------

static const struct {
  enum need need;
  int number;
  uint64_t args[6];
} needed[] = {
    {NEED_CHANNEL, SYS_sendto, {900, 0, 100, 0x4000}},
    {NEED_CHANNEL, SYS_recvfrom, {900, 0, 4096}},
    {NEED_CHANNEL, SYS_fcntl, {900, F_SETLKW}},
    {NEED_CHANNEL, SYS_getcpu, {0}},
    {NEED_MAP, SYS_mmap, {0, DATA_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, 900}},
    {NEED_MAP, SYS_mmap, {0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~0ull}},
    {NEED_MAP, SYS_munmap, {0, PAGE}},
    {NEED_MAP, SYS_madvise, {0, PAGE, MADV_REMOVE}},
    {NEED_MAP, SYS_fallocate, {900, 0, 0, DATA_CHUNK}},
    {NEED_MAP, SYS_prlimit64, {0, 1}},
    {NEED_PROTECT, SYS_mprotect, {0, PAGE, PROT_READ}},
    {NEED_PROTECT, SYS_mprotect, {0, PAGE, PROT_READ | PROT_WRITE}},
    {NEED_FILES, SYS_open, {0, O_RDONLY | O_CLOEXEC}},
    {NEED_FILES, SYS_openat, {0, 0, O_RDONLY | O_CLOEXEC}},
    {NEED_FILES, SYS_read, {3, 0, PAGE}},
    {NEED_FILES, SYS_close, {3}},
    {NEED_FILES, SYS_fstat, {3}},
    {NEED_FILES, SYS_fcntl, {3, F_GETFL}},
    {NEED_FILES, SYS_readlink, {0, 0, PAGE}},
    {NEED_FILES, SYS_pread64, {3, 0, PAGE}},
    {NEED_FILES, SYS_mincore, {0, PAGE}},
    {NEED_MASK, SYS_rt_sigprocmask, {2, 0, 0, 8}},
    {NEED_CLOCK, SYS_clock_gettime, {0}},
    {NEED_CLOCK, SYS_nanosleep, {0}},
};

bool sandbox_may(enum need need) { return !may_not[need]; }

bool sandbox_is_sealed(void) { return sealed; }

// Whether it forbids more than is forbidden.
static bool forbids(const struct filter *chain, bool denied[NEEDS]) {
  bool more = false;
  memcpy(denied, may_not, sizeof may_not);
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!denied[needed[i].need] && !passes(chain, needed[i].number, needed[i].args)) denied[needed[i].need] = more = true;
  return more;
}

static void prepare(const bool denied[NEEDS]) {
  if (!fallback_seal()) say("the fallback translator cannot be reached by this process behind its seccomp filter");
  guest_seal(!denied[NEED_PROTECT]);
  if (!denied[NEED_MAP]) return;
  stream_seal();
  memory_seal();
}

// --- The guest's calls --------------------------------------------------------------------------------------------------------------

// NULL: it is none that the kernel takes, or there is no room for it.
static const struct filter *read_filter(uint64_t at) {
  struct sock_fprog program;
  struct filter *f = &filters[used_filters];
  if (!copy_in(&program, at, sizeof program) || used_filters == MOST_FILTERS || used_steps + program.len > MOST_STEPS) return NULL;
  if (!copy_in(&steps[used_steps], (uint64_t)program.filter, program.len * sizeof *steps)) return NULL;
  *f = (struct filter){used_steps, program.len, newest};
  used_filters++, used_steps += program.len;
  return f;
}

static void install_in(int64_t distance) { *(const struct filter **)((uint64_t)&newest + (uint64_t)distance) = newest; }

void sandbox_inherit(int64_t distance) { install_in(distance); }

static void unseal(void) {
  if (!sealed) return;
  memset(may_not, 0, sizeof may_not);
  sealed = false;
  fallback_unseal();
  guest_seal(true);
  clock_seal(false);
}

static long install(long number, const uint64_t args[6], const struct filter *chain, bool syncs) {
  bool denied[NEEDS], before[NEEDS], was_sealed = sealed;
  const struct filter *last = newest;
  process_id(); // it cannot be asked for later
  memcpy(before, may_not, sizeof may_not);
  if (forbids(chain, denied)) {
    prepare(denied);
    if (denied[NEED_CLOCK]) clock_seal(true);
    memcpy(may_not, denied, sizeof may_not);
    sealed = true;
  }
  newest = chain;
  long result = raw_guest(number, args);
  if (result >= 0 && syncs) threads_each_other(install_in);
  if (result >= 0) return result;
  newest = last;
  if (!was_sealed)
    unseal();
  else
    memcpy(may_not, before, sizeof may_not);
  return result;
}

// What a child did that shared this process's memory until it called exec does not hold for the parent.
void sandbox_parted(bool was_sealed) {
  if (sealed && !was_sealed && !newest) unseal();
}

long sandbox_call(long number, const uint64_t args[6]) {
  const bool is_strict = number == SYS_prctl ? args[1] == SECCOMP_MODE_STRICT : args[0] == SECCOMP_SET_MODE_STRICT;
  const bool is_filter = number == SYS_prctl ? args[1] == SECCOMP_MODE_FILTER : args[0] == SECCOMP_SET_MODE_FILTER;
  if (is_strict) return install(number, args, &strict, false);
  const struct filter *chain = is_filter ? read_filter(args[2]) : NULL;
  if (is_filter && !chain && used_filters == MOST_FILTERS) fail("the guest installs more than %u seccomp filters", (uint64_t)MOST_FILTERS);
  return chain ? install(number, args, chain, number == SYS_seccomp && args[1] & SECCOMP_FILTER_FLAG_TSYNC) : raw_guest(number, args);
}
