// Owns fxsave and fxrstor: the legacy x87/SSE image in memory (SDM vol. 1, 10.5.1, table 10-2; vol. 2 FXSAVE).
#include "core.h"
#include <signal.h>
#include <string.h>

struct fxsave_area {
  uint16_t fcw, fsw;
  uint8_t ftag, reserved_tag; // abridged: one bit per physical register
  uint16_t fop;
  uint64_t fip, fdp;
  uint32_t mxcsr, mxcsr_mask;
  uint8_t st[8][16]; // by stack position: ST0 first
  uint8_t xmm[16][16];
  uint8_t available[96];
};

_Static_assert(sizeof(struct fxsave_area) == 512, "SDM");

static const uint32_t MXCSR_MASK = 0xffff; // with DAZ

// A bad address is a fault of the instruction, at a guest PC; nothing has changed then.
static void check(bool fine, const char *text) {
  if (!fine) emu_trap(emu_state.rip, SIGSEGV, text);
}

void emu_helper_fxsave(void) {
  uint64_t to = emu_state.operand;
  struct emu_state *s = &emu_state;
  struct fxsave_area area;
  check(to % 16 == 0, "fxsave to an unaligned address");
  check(copy_in(&area, to, sizeof area), "fxsave to a bad address"); // what is reserved keeps its bytes
  area.fcw = s->fcw;
  area.fsw = (uint16_t)(s->fsw | s->ftop << 11);
  area.ftag = s->ftag;
  area.fop = 0, area.fip = area.fdp = 0;
  area.mxcsr = s->mxcsr, area.mxcsr_mask = MXCSR_MASK;
  for (int i = 0; i < 8; i++) memcpy(area.st[i], &s->st[(s->ftop + i) & 7], 10);
  for (int i = 0; i < 16; i++) memcpy(area.xmm[i], s->ymm[i], 16);
  check(copy_out(to, &area, sizeof area), "fxsave to a bad address");
}

void emu_helper_fxrstor(void) {
  uint64_t from = emu_state.operand;
  struct emu_state *s = &emu_state;
  struct fxsave_area area;
  check(from % 16 == 0, "fxrstor from an unaligned address");
  check(copy_in(&area, from, sizeof area), "fxrstor from a bad address");
  check(!(area.mxcsr & ~MXCSR_MASK), "fxrstor with reserved MXCSR bits");
  s->fcw = area.fcw;
  s->fsw = area.fsw & ~(7 << 11);
  s->ftop = area.fsw >> 11 & 7;
  s->ftag = area.ftag;
  s->mxcsr = area.mxcsr;
  for (int i = 0; i < 8; i++) memcpy(&s->st[(s->ftop + i) & 7], area.st[i], 10);
  for (int i = 0; i < 16; i++) memcpy(s->ymm[i], area.xmm[i], 16);
}
