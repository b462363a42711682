// Owns what a plugin's C probe may rely on. A probe is compiled to bitcode and inlined at its sites; all of the host's libc is its own.
#ifndef EMU_PROBE_H
#define EMU_PROBE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Marks a probe: kept by name in the bitcode; called, where not inlined, without spilling the caller's registers.
#define EMU_PROBE __attribute__((preserve_all, used))

// The calling thread's guest state (runtime/core/emu.h), of which a probe needs the output buffers alone.
struct emu_state;
extern _Thread_local struct emu_state emu_state __attribute__((tls_model("local-exec")));

// Makes room for at least 64 KiB of records in a stream.
__attribute__((preserve_all, cold)) void emu_stream_full(uint64_t stream);

// Appends a record, at most 64 KiB, to a stream that the pass handed over: at.Call(probe, stream, ...). The first 8 bytes must not be 0.
static inline void emu_append(uint64_t stream, const void *record, size_t size) {
  enum { STREAMS = 0x340 };
  struct {
    uint8_t *at, *end;
  } *out = (void *)((uint8_t *)&emu_state + STREAMS + 16 * stream);
  if (size > (size_t)(out->end - out->at)) emu_stream_full(stream);
  memcpy(out->at, record, size);
  out->at += size;
}

#endif
