// Owns the images of x87 and vector state in guest memory: fnstenv to xrstor (SDM vol. 1, 8.1.10, 10.5.1, 13.4). The guest's x87
// and MXCSR are the host's own, so the host's instruction makes the image, in a buffer; vector registers come from emu_state.
#include "core.h"
#include <signal.h>
#include <string.h>

// In the order of Emu.Ir.StateImage.
enum form {
  FNSTENV, FNSTENV16, FLDENV, FLDENV16, FNSAVE, FNSAVE16, FRSTOR, FRSTOR16, //
  FXSAVE, FXSAVE64, FXRSTOR, FXRSTOR64,                                     //
  XSAVE, XSAVE64, XSAVEC, XSAVEC64, XSAVEOPT, XSAVEOPT64, XRSTOR, XRSTOR64
};

static const uint16_t sizes[] = {28, 14, 28, 14, 108, 94, 108, 94, 512, 512, 512, 512};

enum { WITHOUT_AVX = 576, WITH_AVX = 832, X87 = 1, AVX = 4, XCR0 = 7 }; // XCR0 is x87, SSE, AVX: cpuid leaf 0xd

// Two, because xsaveopt may leave out what has not changed since the last xrstor from the same address.
static _Thread_local _Alignas(64) uint8_t saved[WITH_AVX], restored[WITH_AVX];

static _Noreturn void fault(void) { emu_trap(emu_state.rip, SIGSEGV, "a bad address, or a bad image, of x87 and vector state"); }

// --- The host's instruction ---------------------------------------------------------------------------------------------

// A host PC that may fault, and where the fault handler resumes.
struct escape {
  uint64_t at, to;
};
extern const struct escape __start_images_escapes[], __stop_images_escapes[];

uint64_t images_fault_exit(uint64_t host_pc) {
  for (const struct escape *e = __start_images_escapes; e < __stop_images_escapes; e++)
    if (e->at == host_pc) return e->to;
  return 0;
}

#define EACH_YMM(text) ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" text "\n.endr\n"

// The guest's vector registers are the host's while INSTRUCTION runs on `image`; `refused` says that it faulted.
#define RUN(instruction)                                                                                                 \
  __asm__ volatile(EACH_YMM("vmovups 32*\\n(%2), %%ymm\\n") "xor %0, %0\n"                                               \
                   "1: " instruction " (%1)\n2:\n" EACH_YMM("vmovups %%ymm\\n, 32*\\n(%2)") "vzeroupper\n"               \
                   ".pushsection images_escapes, \"a\"\n.quad 1b, 3f\n.popsection\n"                                     \
                   ".pushsection .text.unlikely, \"ax\"\n3: mov $1, %0\njmp 2b\n.popsection\n"                           \
                   : "=&r"(refused)                                                                                      \
                   : "r"(image), "r"(emu_state.ymm), "a"((uint32_t)emu_state.gpr[RAX] & XCR0), "d"(0)                   \
                   : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",  \
                     "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

static void run(enum form form, uint8_t *image) {
  uint32_t refused = 0;
  switch (form) {
  case FNSTENV: RUN("fnstenv"); break;
  case FNSTENV16: RUN("data16 fnstenv"); break;
  case FLDENV: RUN("fldenv"); break;
  case FLDENV16: RUN("data16 fldenv"); break;
  case FNSAVE: RUN("fnsave"); break;
  case FNSAVE16: RUN("data16 fnsave"); break;
  case FRSTOR: RUN("frstor"); break;
  case FRSTOR16: RUN("data16 frstor"); break;
  case FXSAVE: RUN("fxsave"); break;
  case FXSAVE64: RUN("fxsave64"); break;
  case FXRSTOR: RUN("fxrstor"); break;
  case FXRSTOR64: RUN("fxrstor64"); break;
  case XSAVE: RUN("xsave"); break;
  case XSAVE64: RUN("xsave64"); break;
  case XSAVEC: RUN("xsavec"); break;
  case XSAVEC64: RUN("xsavec64"); break;
  case XSAVEOPT: RUN("xsaveopt"); break;
  case XSAVEOPT64: RUN("xsaveopt64"); break;
  case XRSTOR: RUN("xrstor"); break;
  case XRSTOR64: RUN("xrstor64"); break;
  }
  if (refused) fault();
}

// --- Pointers: the host's instruction pointer is in translated code, the guest wants its own ----------------------------------

struct environment {
  uint32_t control, status, tags, instruction;
  uint16_t code_selector, opcode;
  uint32_t operand, data_selector;
};

static uint32_t guest_pc(uint32_t host_pc) {
  uint64_t found = locate(host_pc);
  return found ? (uint32_t)found : host_pc; // what the guest loaded itself
}

// The low three bits of the opcode's first byte and all of the second (SDM vol. 1, 8.1.9), of the guest's own instruction.
static uint16_t opcode_at(uint32_t pc) {
  uint8_t code[12];
  if (!copy_in(code, pc, sizeof code)) return 0;
  for (size_t at = 0; at < sizeof code - 1; at++)
    if ((code[at] & 0xf8) == 0xd8) return (uint16_t)((code[at] & 7) << 8 | code[at + 1]);
  return 0;
}

// Newer CPUs of Intel's keep the opcode only of an instruction with an unmasked exception, and say 0 otherwise (SDM vol. 1, 8.1.9.1).
static bool keeps_opcodes(void) {
  static int keeps; // 0: not known
  static uint8_t guests[108];
  struct environment after;
  if (keeps) return keeps > 0;
  __asm__ volatile("fnsave %0\n\tfldpi\n\tfnstenv %1\n\tfrstor %0" : "+m"(guests), "=m"(after));
  return (keeps = after.opcode & 0x7ff ? 1 : -1) > 0;
}

// The guest's pointers in place of the host's, `now`. The data selector is that of DS.
static void set_environment(bool wide, uint8_t *image, const struct environment *now) {
  uint32_t pc = guest_pc(now->instruction);
  if (pc == now->instruction) return;
  uint16_t opcode = opcode_at(pc), pc16 = (uint16_t)pc;
  if (wide) memcpy(image + 12, &pc, 4);
  else memcpy(image + 6, &pc16, 2);
  if (wide && keeps_opcodes()) memcpy(image + 18, &opcode, 2);
  memset(image + (wide ? 24 : 12), 0, 2);
}

// The same in fxsave's format. AMD stores them only while an unmasked exception waits; zero otherwise (APM vol. 2, 11.4.4).
static void set_pointers(uint8_t *image) {
  uint32_t host, pc;
  memcpy(&host, image + 8, 4);
  if (!host || (pc = guest_pc(host)) == host) return;
  uint16_t opcode = opcode_at(pc);
  memcpy(image + 8, &pc, 4);
  if (keeps_opcodes()) memcpy(image + 6, &opcode, 2);
}

// --- Guest memory ---------------------------------------------------------------------------------------------------------

static size_t size_of(enum form form) {
  if (form < XSAVE) return sizes[form];
  return emu_state.gpr[RAX] & AVX ? WITH_AVX : WITHOUT_AVX;
}

// All or nothing, as the CPU does it: the ends first, for an image touches two pages at most.
static bool store(uint64_t to, const uint8_t *image, size_t size, uint8_t before) {
  if (!copy_out(to, image, 1)) return false;
  if (copy_out(to + size - 1, image + size - 1, 1)) return copy_out(to, image, size);
  copy_out(to, &before, 1);
  return false;
}

static void save(enum form form, uint64_t to, size_t size) {
  if (!copy_in(saved, to, size)) fault(); // what is reserved or left out keeps its bytes
  uint8_t before = saved[0];
  run(form, saved);
  if (form < XSAVE || emu_state.gpr[RAX] & X87) set_pointers(saved);
  if (!store(to, saved, size, before)) fault();
}

// These also change the x87, once their image is stored.
static void save_environment(enum form form, uint64_t to, size_t size) {
  struct environment now;
  if (!copy_in(saved, to, size)) fault();
  uint8_t before = saved[0];
  __asm__ volatile("fnstenv %0\nfldenv %0" : "=m"(now));
  run(form, saved);
  run(form + FLDENV - FNSTENV, saved);
  set_environment(form == FNSTENV || form == FNSAVE, saved, &now);
  if (!store(to, saved, size, before)) fault();
  run(form, restored);
}

static void restore(enum form form, uint64_t from, size_t size) {
  if (!copy_in(restored, from, size)) fault();
  run(form, restored);
}

// fldenv and frstor wait for exceptions (SDM vol. 1, 8.6): one that has been raised comes before a fault of theirs.
static void wait_for_exceptions(void) {
  uint16_t status;
  __asm__ volatile("fnstsw %0" : "=m"(status));
  if (status & 0x80) emu_trap(emu_state.rip, SIGFPE, "an x87 exception");
}

void emu_helper_image(void) {
  enum form form = (enum form)emu_state.form;
  uint64_t at = emu_state.operand;
  size_t size = size_of(form);
  if (form == FLDENV || form == FLDENV16 || form == FRSTOR || form == FRSTOR16) wait_for_exceptions();
  if ((form >= FXSAVE && at % 16) || (form >= XSAVE && at % 64)) fault();
  switch (form) {
  case FNSTENV:
  case FNSTENV16:
  case FNSAVE:
  case FNSAVE16: save_environment(form, at, size); break;
  case FLDENV:
  case FLDENV16:
  case FRSTOR:
  case FRSTOR16:
  case FXRSTOR:
  case FXRSTOR64:
  case XRSTOR:
  case XRSTOR64: restore(form, at, size); break;
  default: save(form, at, size);
  }
}
