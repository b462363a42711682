// Owns x87, MXCSR and the low halves of vector registers as signal frames hold them: fxsave's 64-bit image (SDM vol. 1, table 10-2).
// x87 and MXCSR are the host's own; vector registers are in emu_state.
#include "core.h"
#include "signals.h"
#include <string.h>

enum { IMAGE = 512, MXCSR_AT = 24, MASK_AT = 28, XMM_AT = 160, USED = 416 };

void fpu_clear(void) {
  const uint32_t mxcsr = 0x1f80;
  memset(emu_state.ymm, 0, sizeof emu_state.ymm);
  __asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr));
}

void fpu_save(uint8_t *to) {
  _Alignas(16) uint8_t image[IMAGE];
  __asm__ volatile("fxsave64 %0" : "=m"(image));
  for (int i = 0; i < 16; i++) memcpy(image + XMM_AT + 16 * i, emu_state.ymm[i], 16);
  memcpy(to, image, USED);
}

void fpu_restore(const uint8_t *from) {
  _Alignas(16) uint8_t image[IMAGE], now[IMAGE];
  uint32_t mxcsr, mask;
  __asm__ volatile("fxsave64 %0" : "=m"(now));
  memcpy(image, now, sizeof image);
  memcpy(image, from, XMM_AT);
  for (int i = 0; i < 16; i++) memcpy(emu_state.ymm[i], from + XMM_AT + 16 * i, 16);
  memcpy(&mxcsr, image + MXCSR_AT, 4), memcpy(&mask, now + MASK_AT, 4);
  mxcsr &= mask; // else a fault (fpu__restore_sig cleans it, too)
  memcpy(image + MXCSR_AT, &mxcsr, 4);
  __asm__ volatile("fxrstor64 %0" : : "m"(image));
}
