// Owns the run-time half of the plugin "probe": sees every system call, keeps the writes.
#include <emu/probe.h>
#include <sys/syscall.h>

// As the pass declares it: WriteSizes.Write.
struct write {
  uint64_t pc, fd, bytes;
};

EMU_PROBE void on_syscall(uint64_t stream, uint64_t pc, uint64_t number, uint64_t fd, uint64_t result) {
  if ((number != SYS_write && number != SYS_writev) || (int64_t)result < 0) return;
  struct write w = {pc, fd, result};
  emu_append(stream, &w, sizeof w);
}
