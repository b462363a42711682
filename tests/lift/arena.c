// Owns the process in which the tests run guest instructions: natively, and as lowered code. Trials lie in memory shared with the
// test; a fault ends one run, not the process. Of the runtime core only what single instructions reach is here.
#include "core.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { SLOT = 0x10001000, SLOT_SIZE = 0x1000, NEAR = SLOT + 0x60, FAR = SLOT + 0x800 }; // HostMemory, Machine
enum { SCRATCH = 0x12000000, SCRATCH_SIZE = 0x4000 };
enum { REGISTERS = offsetof(struct emu_state, stream), CODE_MAX = 0x400, LEVELS_MAX = 3, TRIALS = 128, XMM = 16 };

// What a run starts from, and what it gives. After a fault of lowered code only its x87 and MXCSR are known.
struct machine {
  uint8_t registers[REGISTERS]; // the first bytes of an emu_state
  uint64_t pc, signal;
  uint8_t memory[SCRATCH_SIZE];
};

struct trial {
  uint32_t region, code_size; // a row of regions
  uint64_t done;              // by this process
  uint8_t code[CODE_MAX];     // to be run at SLOT
  struct machine before, native, lowered[LEVELS_MAX];
};

extern void *const regions[][LEVELS_MAX]; // written by Arena.cs; NULL: not compiled at that level

_Thread_local struct emu_state emu_state;
struct emu_entry emu_dispatch_table[1] = {{0, NULL}};

static struct trial *trials;
static uint8_t *const scratch = (uint8_t *)SCRATCH;
static sigjmp_buf after_fault;
static volatile uint64_t fault;

// --- The CPU's side ---------------------------------------------------------------------------------------------------------

struct fx { // SDM vol. 1, table 10-2
  uint16_t fcw, fsw;
  uint8_t ftag, zero;
  uint16_t fop;
  uint64_t fip, fdp;
  uint32_t mxcsr, mxcsr_mask;
  uint8_t st[8][16], xmm[16][16], unused[96];
};
_Static_assert(sizeof(struct fx) == 512, "SDM");

// Global and below 2 GiB: the assembly below has no register to spare for its address.
struct {
  uint64_t gpr[16], rflags, pc, fsbase, gsbase, host_sp, host_fs, slot; // offsets in the assembly
  _Alignas(64) struct fx fx;
  uint8_t ymm[16][32];
} guest __attribute__((used));
_Static_assert(offsetof(typeof(guest), rflags) == 128 && offsetof(typeof(guest), host_fs) == 168, "assembly");
_Static_assert(offsetof(typeof(guest), fx) == 192 && offsetof(typeof(guest), ymm) == 704, "assembly");

void guest_enter(void);
void guest_leave(void);
__asm__(".intel_syntax noprefix\n"
        "guest_enter:\n"
        ".irp r, rbx, rbp, r12, r13, r14, r15\n push \\r\n.endr\n"
        "mov [guest + 160], rsp\n"
        "rdfsbase rax\n mov [guest + 168], rax\n"
        "fxrstor64 [guest + 192]\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n vmovdqu ymm\\n, [guest + 704 + 32 * \\n]\n.endr\n"
        "mov rax, [guest + 144]\n wrfsbase rax\n mov rax, [guest + 152]\n wrgsbase rax\n"
        "push qword ptr [guest + 128]\n popfq\n"
        "mov rax, [guest]\n mov rcx, [guest + 8]\n mov rdx, [guest + 16]\n mov rbx, [guest + 24]\n mov rsp, [guest + 32]\n"
        "mov rbp, [guest + 40]\n mov rsi, [guest + 48]\n mov rdi, [guest + 56]\n mov r8, [guest + 64]\n mov r9, [guest + 72]\n"
        "mov r10, [guest + 80]\n mov r11, [guest + 88]\n mov r12, [guest + 96]\n mov r13, [guest + 104]\n mov r14, [guest + 112]\n"
        "mov r15, [guest + 120]\n"
        "jmp [guest + 176]\n"
        "guest_leave:\n"
        "mov [guest], rax\n mov [guest + 8], rcx\n mov [guest + 16], rdx\n mov [guest + 24], rbx\n mov [guest + 32], rsp\n"
        "mov [guest + 40], rbp\n mov [guest + 48], rsi\n mov [guest + 56], rdi\n mov [guest + 64], r8\n mov [guest + 72], r9\n"
        "mov [guest + 80], r10\n mov [guest + 88], r11\n mov [guest + 96], r12\n mov [guest + 104], r13\n mov [guest + 112], r14\n"
        "mov [guest + 120], r15\n"
        "mov rsp, [guest + 160]\n"
        "pushfq\n pop qword ptr [guest + 128]\n cld\n"
        "rdfsbase rax\n mov [guest + 144], rax\n rdgsbase rax\n mov [guest + 152], rax\n"
        "mov rax, [guest + 168]\n wrfsbase rax\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n vmovdqu [guest + 704 + 32 * \\n], ymm\\n\n.endr\n"
        "fxsave64 [guest + 192]\n"
        ".irp r, r15, r14, r13, r12, rbp, rbx\n pop \\r\n.endr\n"
        "ret\n"
        ".att_syntax\n");

// The flags in the order of their bytes in the state, and df behind them.
static const uint8_t flag_bits[7] = {11, 7, 6, 4, 2, 0, 10};

static void guest_load(const struct emu_state *s) {
  memcpy(guest.gpr, s->gpr, sizeof guest.gpr);
  guest.slot = SLOT;
  guest.rflags = 0x202; // IF and the bit that is always 1
  for (int i = 0; i < 7; i++) guest.rflags |= (uint64_t)(&s->of)[i] << flag_bits[i];
  guest.fsbase = s->fsbase, guest.gsbase = s->gsbase;
  struct fx *fx = &guest.fx;
  memset(fx, 0, sizeof *fx);
  fx->fcw = s->fcw, fx->fsw = (uint16_t)(s->fsw | s->ftop << 11), fx->ftag = s->ftag, fx->mxcsr = s->mxcsr;
  for (int i = 0; i < 8; i++) memcpy(fx->st[i], &s->st[(s->ftop + i) & 7], 10);
  for (int i = 0; i < 16; i++) memcpy(fx->xmm[i], s->ymm[i], XMM);
  memcpy(guest.ymm, s->ymm, sizeof guest.ymm);
}

static void guest_store(struct emu_state *s) {
  memcpy(s->gpr, guest.gpr, sizeof guest.gpr);
  for (int i = 0; i < 7; i++) (&s->of)[i] = guest.rflags >> flag_bits[i] & 1;
  s->fsbase = guest.fsbase, s->gsbase = guest.gsbase;
  const struct fx *fx = &guest.fx;
  s->fcw = fx->fcw, s->fsw = fx->fsw & ~(7 << 11), s->ftop = fx->fsw >> 11 & 7, s->ftag = fx->ftag, s->mxcsr = fx->mxcsr;
  for (int i = 0; i < 8; i++) memcpy(&s->st[(s->ftop + i) & 7], fx->st[i], 10);
  memcpy(s->ymm, guest.ymm, sizeof guest.ymm);
}

// At `at`: mov qword [guest.pc], at; jmp guest_leave.
static void land(uint32_t at) {
  uint8_t code[17] = {0x48, 0xc7, 0x04, 0x25};
  uint32_t pc = (uint32_t)(uintptr_t)&guest.pc, jump = (uint32_t)(uintptr_t)guest_leave - (at + 17);
  memcpy(code + 4, &pc, 4);
  memcpy(code + 8, &at, 4);
  code[12] = 0xe9;
  memcpy(code + 13, &jump, 4);
  memcpy((void *)(uintptr_t)at, code, sizeof code);
}

static void prepare(const struct trial *t) {
  static uint32_t size;
  if (size == t->code_size && !memcmp((void *)SLOT, t->code, size)) return; // writing near code that runs costs much
  size = t->code_size;
  memcpy((void *)SLOT, t->code, size);
  if (size <= NEAR - SLOT - 32) land(NEAR);
  land(SLOT + size);
  land(FAR);
}

static volatile int in_guest;

// The kernel saved the guest's registers: SDM vol. 1, 13.4 says where in the XSAVE area it put them.
static void guest_faulted(const ucontext_t *c) {
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  for (int i = 0; i < 16; i++) guest.gpr[i] = (uint64_t)c->uc_mcontext.gregs[order[i]];
  guest.rflags = (uint64_t)c->uc_mcontext.gregs[REG_EFL];
  guest.pc = (uint64_t)c->uc_mcontext.gregs[REG_RIP];
  const uint8_t *area = (const uint8_t *)c->uc_mcontext.fpregs;
  memcpy(&guest.fx, area, sizeof guest.fx);
  uint64_t present;
  memcpy(&present, area + 512, sizeof present);
  if (!(present & 2)) memset(guest.fx.xmm, 0, sizeof guest.fx.xmm);
  for (int i = 0; i < 16; i++) {
    memcpy(guest.ymm[i], guest.fx.xmm[i], XMM);
    if (present & 4) memcpy(guest.ymm[i] + XMM, area + 576 + XMM * i, XMM);
    else memset(guest.ymm[i] + XMM, 0, XMM);
  }
}

static void on_signal(int signal, siginfo_t *info, void *context) {
  memcpy(&guest.fx, ((ucontext_t *)context)->uc_mcontext.fpregs, sizeof guest.fx);
  if (in_guest) {
    __asm__ volatile("rdfsbase %%rax; mov %%rax, guest+144; rdgsbase %%rax; mov %%rax, guest+152; mov guest+168, %%rax; wrfsbase %%rax" ::: "rax", "memory");
    guest_faulted(context);
  }
  (void)info;
  fault = signal == SIGBUS ? SIGSEGV : (uint64_t)signal; // #SS or #GP depends on the register that holds a bad address
  siglongjmp(after_fault, 1);
}

// --- The two ways to run ------------------------------------------------------------------------------------------------------

static void reset(void) {
  in_guest = 0;
  static const uint32_t mxcsr = 0x1f80;
  __asm__ volatile("cld; fninit; ldmxcsr %0; vzeroupper" : : "m"(mxcsr));
}

static void finish(struct machine *m, struct emu_state *s, uint64_t pc) {
  s->rip = pc;
  memcpy(m->registers, s, REGISTERS);
  memcpy(m->memory, scratch, SCRATCH_SIZE);
  m->pc = pc, m->signal = fault;
}

static void run_native(const struct machine *before, struct machine *after) {
  memcpy(scratch, before->memory, SCRATCH_SIZE);
  memcpy(&emu_state, before->registers, REGISTERS);
  guest_load(&emu_state);
  fault = 0;
  if (!sigsetjmp(after_fault, 0)) {
    in_guest = 1;
    guest_enter();
  }
  reset();
  guest_store(&emu_state);
  finish(after, &emu_state, guest.pc);
}

static void fx_store(struct emu_state *s, const struct fx *fx) {
  s->fcw = fx->fcw, s->fsw = fx->fsw & ~(7 << 11), s->ftop = fx->fsw >> 11 & 7, s->ftag = fx->ftag, s->mxcsr = fx->mxcsr;
  for (int i = 0; i < 8; i++) memcpy(&s->st[(s->ftop + i) & 7], fx->st[i], 10);
}

// The guest's x87 and MXCSR are the host's while its code runs, and guest fs is the host's gs.
static void run_lowered(void *region, const struct machine *before, struct machine *after) {
  memcpy(scratch, before->memory, SCRATCH_SIZE);
  memcpy(&emu_state, before->registers, REGISTERS);
  guest_load(&emu_state);
  fault = 0;
  if (!sigsetjmp(after_fault, 0)) {
    uint64_t gs;
    __asm__ volatile("wrgsbase %0" : : "r"(emu_state.fsbase));
    __asm__ volatile("fninit; fxrstor64 %0" : : "m"(guest.fx));
    emu_enter(region);
    __asm__ volatile("fxsave64 %0; rdgsbase %1" : "=m"(guest.fx), "=r"(gs));
    emu_state.fsbase = gs;
  }
  fx_store(&emu_state, &guest.fx);
  reset();
  finish(after, &emu_state, emu_state.rip);
}

static void run(struct trial *t) {
  prepare(t);
  run_native(&t->before, &t->native);
  for (int i = 0; i < LEVELS_MAX; i++)
    if (regions[t->region][i]) run_lowered(regions[t->region][i], &t->before, &t->lowered[i]);
}

// --- What lowered code calls ----------------------------------------------------------------------------------------------------

_Noreturn void emu_trap(uint64_t pc, uint64_t kind, const char *text) {
  (void)text;
  __asm__ volatile("fxsave64 %0" : "=m"(guest.fx));
  emu_state.rip = pc;
  fault = kind;
  siglongjmp(after_fault, 1);
}

// Leaving is all that a PC outside of the region means.
__attribute__((preserve_all)) void *emu_lookup(uint64_t pc) {
  emu_state.rip = pc;
  return (void *)emu_leave;
}

__attribute__((preserve_all)) void *emu_lookup_everything(uint64_t pc) { return emu_lookup(pc); }

void emu_trapped(void) { emu_trap(emu_state.rip, emu_state.trap_signal, emu_state.trap_text); }
void emu_safepoint(void) {}
void emu_visit(void) {}
bool emu_visited(void) { return false; }
void emu_syscall(void) { emu_trap(emu_state.rip, SIGSYS, "syscall"); }
__attribute__((preserve_all)) void emu_stream_full(uint64_t stream) { emu_trap(emu_state.rip, SIGSYS, stream ? "stream" : ""); }

// As the core's: here a bad address ends the run.
bool copy_in(void *to, uint64_t from, size_t size) { return memcpy(to, (const void *)from, size); }
bool copy_out(uint64_t to, const void *from, size_t size) { return memcpy((void *)to, from, size); }

uint64_t locate(uint64_t host_pc) { return host_pc & 0; }

// --- The process ------------------------------------------------------------------------------------------------------------------

static void *map(uint64_t at, size_t size, int protection) {
  void *p = mmap((void *)at, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (p != (void *)at) exit(2);
  return p;
}

static void catch_signals(void) {
  static uint8_t stack[1 << 16];
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) sigaction(caught[i], &action, NULL);
}

int main(int argc, char **argv) {
  int file = argc > 1 ? open(argv[1], O_RDWR) : -1;
  trials = mmap(NULL, TRIALS * sizeof *trials, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (trials == MAP_FAILED) return 2;
  map(SLOT, SLOT_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
  map(SCRATCH - PAGE, PAGE, PROT_NONE); // nothing else comes to lie beside the scratch memory
  map(SCRATCH, SCRATCH_SIZE, PROT_READ | PROT_WRITE);
  map(SCRATCH + SCRATCH_SIZE, PAGE, PROT_NONE);
  catch_signals();
  for (uint32_t count; read(0, &count, sizeof count) == sizeof count;) {
    alarm(20); // the test finds which trial did not end
    for (uint32_t n = 0; n < count; n++) {
      trials[n].done = 0;
      run(&trials[n]);
      trials[n].done = 1;
    }
    alarm(0);
    if (write(1, &count, sizeof count) != sizeof count) return 2;
  }
}
