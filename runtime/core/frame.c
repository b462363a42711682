// Owns the signal frame on the guest's stack: what the kernel writes for a handler and reads in rt_sigreturn
// (arch/x86/kernel/signal_64.c, arch/x86/kernel/fpu/signal.c), and the alternate stack that it may lie on.
#include "core.h"
#include "signals.h"
#include <errno.h>
#include <string.h>

// struct sigcontext_64, struct ucontext, struct rt_sigframe.
struct context {
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
  uint16_t cs, gs, fs, ss;
  uint64_t error, trap, old_mask, fault_address, fp, reserved[8];
};
struct user {
  uint64_t flags, link;
  stack_t stack;
  struct context context;
  uint64_t mask;
};
struct frame {
  uint64_t restorer;
  struct user user;
  siginfo_t info;
};
_Static_assert(sizeof(struct user) == 304 && sizeof(struct frame) == 440, "uapi/asm/sigcontext.h");

// The XSAVE area, standard form, with x87, SSE and AVX (SDM vol. 1, 13.4); what software keeps in it (fpx_sw_bytes).
struct extended {
  uint8_t legacy[464];
  uint32_t magic1, extended_size;
  uint64_t features;
  uint32_t size, padding[7];
  uint64_t present, compaction, header[6];
  uint8_t upper[16][16];
  uint32_t magic2;
} __attribute__((packed));
enum { XSAVE_SIZE = 832, MAGIC1 = 0x46505853, MAGIC2 = 0x46505845, FEATURES = 7 };
_Static_assert(sizeof(struct extended) == XSAVE_SIZE + 4, "SDM");

enum { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4, SS_AUTODISARM_BIT = 1 << 31 };
static const uint64_t SA_RESTORER_BIT = 0x04000000, RED_ZONE = 128;

static _Thread_local stack_t alternate;

void frame_inherit(int64_t distance) { *(stack_t *)((uint64_t)&alternate + (uint64_t)distance) = alternate; }

static bool within(uint64_t rsp, const void *start, size_t size) {
  return rsp - (uint64_t)start - 1 < size; // __on_sig_stack: rsp > sp && rsp - sp <= size
}

static bool on_alternate(uint64_t rsp) {
  return !(alternate.ss_flags & SS_AUTODISARM_BIT) && within(rsp, alternate.ss_sp, alternate.ss_size);
}

enum { IDENTIFICATION = 0x24 }; // AC and ID in emu_state.acid

uint64_t rflags(const struct emu_state *s) {
  return 0x202u | s->cf | s->pf << 2 | s->af << 4 | s->zf << 6 | s->sf << 7 | s->df << 10 | s->of << 11 | (s->acid & IDENTIFICATION) << 16 |
         (s->acid & EMU_TF) << 8;
}

static void set_rflags(struct emu_state *s, uint64_t f) {
  s->cf = f & 1, s->pf = f >> 2 & 1, s->af = f >> 4 & 1, s->zf = f >> 6 & 1, s->sf = f >> 7 & 1, s->df = f >> 10 & 1,
  s->of = f >> 11 & 1, s->acid = (f >> 16 & IDENTIFICATION) | (f >> 8 & EMU_TF);
}

static void put_registers(struct context *c, const struct emu_state *s) {
  const uint64_t *g = s->gpr;
  *c = (struct context){.r8 = g[R8], .r9 = g[R9], .r10 = g[R10], .r11 = g[R11], .r12 = g[R12], .r13 = g[R13], .r14 = g[R14],
                        .r15 = g[R15], .rdi = g[RDI], .rsi = g[RSI], .rbp = g[RBP], .rbx = g[RBX], .rdx = g[RDX],
                        .rax = g[RAX], .rcx = g[RCX], .rsp = g[RSP], .rip = s->rip, .eflags = rflags(s), .cs = 0x33, .ss = 0x2b};
}

static void take_registers(struct emu_state *s, const struct context *c) {
  const uint64_t g[16] = {c->rax, c->rcx, c->rdx, c->rbx, c->rsp, c->rbp, c->rsi, c->rdi,
                          c->r8,  c->r9,  c->r10, c->r11, c->r12, c->r13, c->r14, c->r15};
  memcpy(s->gpr, g, sizeof g);
  s->rip = c->rip;
  set_rflags(s, c->eflags);
}

static void put_fpu(struct extended *x) {
  *x = (struct extended){.magic1 = MAGIC1, .extended_size = sizeof *x, .features = FEATURES, .size = XSAVE_SIZE,
                         .present = FEATURES, .magic2 = MAGIC2};
  fpu_save(x->legacy);
  for (int i = 0; i < 16; i++) memcpy(x->upper[i], emu_state.ymm[i] + 16, 16);
}

// A frame without state to restore means the initial one, as in fpu__restore_sig.
static void take_fpu(uint64_t from) {
  struct extended x;
  fpu_clear();
  if (!from || !copy_in(&x, from, 512)) return;
  fpu_restore(x.legacy);
  if (x.magic1 != MAGIC1 || !copy_in(&x, from, sizeof x) || x.magic2 != MAGIC2 || !(x.present & 4)) return;
  for (int i = 0; i < 16; i++) memcpy(emu_state.ymm[i] + 16, x.upper[i], 16);
}

// get_sigframe, the choice of the stack.
static uint64_t stack_for(const struct arrival *a) {
  uint64_t rsp = emu_state.gpr[RSP];
  bool alternates = a->action.flags & SA_ONSTACK && !(alternate.ss_flags & SS_DISABLE) && alternate.ss_size;
  if (alternates && !on_alternate(rsp)) return (uint64_t)alternate.ss_sp + alternate.ss_size;
  return rsp - RED_ZONE;
}

uint64_t frame_push(const struct arrival *a) {
  struct emu_state *s = &emu_state;
  struct extended x;
  struct frame f = {.restorer = a->action.restorer, .info = a->info};
  uint64_t stack = stack_for(a), fp = (stack - sizeof x) & ~63ull, at = ((fp - sizeof f) & ~15ull) - 8;
  put_registers(&f.user.context, s);
  f.user.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
  f.user.stack = alternate;
  f.user.mask = f.user.context.old_mask = a->blocked_after;
  f.user.context.error = a->error, f.user.context.trap = a->trap, f.user.context.fault_address = a->fault_address;
  f.user.context.fp = fp;
  put_fpu(&x);
  if (!(a->action.flags & SA_RESTORER_BIT)) return 0; // setup_rt_frame gives up, too
  if (on_alternate(s->gpr[RSP]) && !on_alternate(at)) return 0;
  if (!copy_out(fp, &x, sizeof x) || !copy_out(at, &f, sizeof f)) return 0;
  if (alternate.ss_flags & SS_AUTODISARM_BIT) alternate = (stack_t){.ss_flags = SS_DISABLE};
  fpu_clear(); // fpu__clear_user_states: a handler starts as a program does
  s->gpr[RDI] = (uint64_t)a->info.si_signo, s->gpr[RSI] = at + offsetof(struct frame, info);
  s->gpr[RDX] = at + offsetof(struct frame, user), s->gpr[RAX] = 0, s->gpr[RSP] = at;
  s->rip = a->action.handler;
  s->df = 0, s->acid &= IDENTIFICATION; // without TF
  return at;
}

bool frame_pop(uint64_t *mask) {
  struct user user;
  if (!copy_in(&user, emu_state.gpr[RSP], sizeof user)) return false;
  take_registers(&emu_state, &user.context);
  take_fpu(user.context.fp);
  alternate = user.stack;
  *mask = user.mask;
  return true;
}

// kernel/signal.c: do_sigaltstack.
long frame_stack_call(uint64_t new, uint64_t old) {
  stack_t stack, before = alternate;
  bool active = on_alternate(emu_state.gpr[RSP]);
  before.ss_flags = (before.ss_size ? active ? SS_ONSTACK : 0 : SS_DISABLE) | (alternate.ss_flags & SS_AUTODISARM_BIT);
  if (new) {
    if (!copy_in(&stack, new, sizeof stack)) return -EFAULT;
    int mode = stack.ss_flags & ~SS_AUTODISARM_BIT;
    if (active) return -EPERM;
    if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) return -EINVAL;
    if (mode != SS_DISABLE && stack.ss_size < 2048) return -ENOMEM; // MINSIGSTKSZ
    if (mode == SS_DISABLE) stack.ss_sp = NULL, stack.ss_size = 0;
    alternate = stack;
  }
  return old && !copy_out(old, &before, sizeof before) ? -EFAULT : 0;
}
