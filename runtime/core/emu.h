// Owns the ABI between generated code and the runtime core: the guest state, the functions generated code calls, and the
// symbols the translator adds to every runner. Offsets are part of the ABI; the assertions below keep them.
#ifndef EMU_H
#define EMU_H

#include <stddef.h>
#include <stdint.h>

// Indices into emu_state.gpr: the hardware encoding (SDM vol. 2, table 2-2).
enum emu_gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

enum { EMU_STREAMS = 8 };

// In emu_state.acid: RFLAGS.TF, and what it was before the popf that set it.
enum emu_trap_flag { EMU_TF = 1, EMU_TF_BEFORE = 2 };

// Output buffer of one `append` stream: records go to `at`; a record that would pass `end` calls emu_stream_full first.
struct emu_stream {
  uint8_t *at, *end;
};

// The architectural state of one guest thread.
struct emu_state {
  uint64_t gpr[16];
  uint64_t rip;
  uint8_t of, sf, zf, af, pf, cf, df; // 0 or 1 each
  uint8_t acid;                       // RFLAGS.AC and ID, as they are in its bits 16 to 23; enum emu_trap_flag
  uint64_t fsbase, gsbase;
  uint16_t fcw, fsw;  // x87 and MXCSR are the host's own: these are for tests that run IR. TOP in fsw is always 0: it is ftop
  uint8_t ftop, ftag; // ftag: one bit per physical register, 1 = in use
  uint32_t mxcsr;
  _Alignas(16) struct { uint8_t bytes[16]; } st[8]; // physical x87 registers, 80-bit values
  _Alignas(32) uint8_t ymm[16][32];
  struct emu_stream stream[EMU_STREAMS];
  uint64_t host_limit;  // lowest host stack address generated code may use
  uint64_t trap_signal; // of emu_trapped
  const char *trap_text;
  uint64_t operand; // address operand of a helper
  uint64_t form;    // of emu_helper_image: which instruction
  uint64_t event[4]; // operands of an event, [3] the guest's PC (events.c); [0] after a watched system call: its number
  const char *probe; // the one that runs, in words; NULL: none
};

_Static_assert(offsetof(struct emu_state, rip) == 0x080, "ABI");
_Static_assert(offsetof(struct emu_state, of) == 0x088, "ABI");
_Static_assert(offsetof(struct emu_state, df) == 0x08e, "ABI");
_Static_assert(offsetof(struct emu_state, fsbase) == 0x090, "ABI");
_Static_assert(offsetof(struct emu_state, gsbase) == 0x098, "ABI");
_Static_assert(offsetof(struct emu_state, fcw) == 0x0a0, "ABI");
_Static_assert(offsetof(struct emu_state, ftop) == 0x0a4, "ABI");
_Static_assert(offsetof(struct emu_state, mxcsr) == 0x0a8, "ABI");
_Static_assert(offsetof(struct emu_state, st) == 0x0b0, "ABI");
_Static_assert(offsetof(struct emu_state, ymm) == 0x140, "ABI");
_Static_assert(offsetof(struct emu_state, stream) == 0x340, "ABI");
_Static_assert(offsetof(struct emu_state, host_limit) == 0x3c0, "ABI");
_Static_assert(offsetof(struct emu_state, operand) == 0x3d8, "ABI");
_Static_assert(offsetof(struct emu_state, form) == 0x3e0, "ABI");
_Static_assert(offsetof(struct emu_state, event) == 0x3e8, "ABI");
_Static_assert(offsetof(struct emu_state, probe) == 0x408, "ABI");

extern _Thread_local struct emu_state emu_state __attribute__((tls_model("local-exec")));

// --- Called by generated code -------------------------------------------------------------------------------------------

// Regions keep rsp a multiple of 8, not of 16: what they call aligns it.
#define EMU_ENTRY __attribute__((force_align_arg_pointer))

// Does the guest's `syscall`. In: every register in emu_state, rip = PC after the instruction. When emu_state.rip is
// another one afterwards, the region must return to the dispatcher.
EMU_ENTRY void emu_syscall(void);

// The same in two steps, with the actions of passes in between: the call, then the signals that came meanwhile.
EMU_ENTRY void emu_syscall_watched(void);
EMU_ENTRY void emu_deliver(void);

// Takes the signals that wait, in front of the instruction at emu_state.rip.
EMU_ENTRY void emu_safepoint(void);

// The same at a loop's back-edge. Whether a register, or rip, is another than before.
EMU_ENTRY _Bool emu_visited(void);

// The region to go on in at `pc`, where a region of the first tier is hot; NULL: in the same one. The rest of the guest is in emu_state.
EMU_ENTRY void *emu_hot(int32_t *heat, uint64_t pc);

// Region of `pc`. When there is none: sets emu_state.rip = pc and returns emu_leave.
__attribute__((preserve_all)) void *emu_lookup(uint64_t pc);

// The same where a function is called: what it only seems to read of flags and r11 is nobody's.
__attribute__((preserve_all)) void *emu_lookup_called(uint64_t pc);

// The same for a caller that has handed over all transient state (ARCHITECTURE.md, "Transient state may be dropped").
EMU_ENTRY __attribute__((preserve_all)) void *emu_lookup_everything(uint64_t pc);

// The region of `pc`, for the stub that has its target at `place` (stub.S).
__attribute__((preserve_all)) void *emu_stub_target(uint64_t pc, void **place);

// The function of the vsyscall page at rip (vsyscall.c).
EMU_ENTRY void emu_vsyscall(void);

// Ends the guest by signal `kind` (SIGILL, SIGTRAP, SIGFPE, SIGSEGV) at guest `pc`. `text` says why.
_Noreturn void emu_trap(uint64_t pc, uint64_t kind, const char *text);

// The same for the trap that emu_state describes.
EMU_ENTRY void emu_trapped(void);

// Makes room for at least 64 KiB of records in a stream.
EMU_ENTRY __attribute__((preserve_all)) void emu_stream_full(uint64_t stream);

// Rare instructions: operands and results in emu_state, rip = PC of the instruction.
EMU_ENTRY void emu_helper_cpuid(void);
EMU_ENTRY void emu_helper_xgetbv(void);
EMU_ENTRY void emu_helper_int80(void);
EMU_ENTRY void emu_helper_image(void); // emu_state.form (fnstenv ... xrstor) at emu_state.operand

// --- Generated (translator/Emu.Translator/Lowering/Bridges.cs) -------------------------------------------------------------

void emu_enter(void *region); // runs a region: state to registers, call, registers to state
void emu_thunk_enter(void); // a region: emu_safepoint, then the region of rip
void emu_thunk_vsyscall(void); // a region: emu_vsyscall, for the function at rip
void emu_leave(void);         // a region (regcall, not callable from C) that leaves with rip = emu_state.rip

// --- Defined by the translator, per runner --------------------------------------------------------------------------------

struct emu_entry {
  uint64_t pc; // 0: empty slot
  void *host;
};
struct emu_key { // parallel to the cells of section emu_counters
  uint64_t key;
  uint32_t array, zero;
};

struct emu_leaf { // of cpuid: the bits that guests see
  uint32_t number, eax, ebx, ecx, edx;
};

// A file that was translated ahead of time besides the program: the dynamic linker, libraries.
struct emu_module {
  const char *path;
  uint64_t base, from, to;                       // where it is placed: what is added to its addresses; its pages
  uint64_t code, code_end, code_offset;          // its executable segments; the first one's offset in the file
  uint64_t device, inode, size, modified, changed; // of the file; times in nanoseconds
  uint64_t hash;                                 // of its bytes (modules.c)
};

extern const char emu_interpreter[]; // the dynamic linker's path, "" for static programs; it is the first module
extern const struct emu_module emu_modules[], emu_modules_end[];
extern const struct emu_leaf emu_features[], emu_features_end[];
extern const uint64_t emu_roots[], emu_roots_end[]; // PCs that have a region
extern const uint32_t emu_root_regions[];           // its host address
extern struct emu_entry emu_dispatch_table[];       // made of them at start; at most half full
extern const char emu_dispatch_mask[]; // its address is the value: the table's bytes less one entry
extern const uint8_t emu_image[], emu_image_end[];
extern const uint64_t emu_image_base;
extern const char emu_image_name[];
extern const char emu_build_name[]; // level and version of the translator
extern const char emu_follow[]; // how programs that this one executes are translated (exec.c), "": they are not
extern const uint8_t emu_exact_faults; // whether all registers are in emu_state where code translated ahead of time faults
extern const uint8_t emu_fixed_addresses; // whether stack and mappings are at the same addresses in each run
extern const char emu_fallback_path[], emu_fallback_host[]; // the fallback translator, and what runs it if it is a .dll
extern const char emu_meta[], emu_meta_end[];
extern const char *const emu_stream_paths[EMU_STREAMS] __attribute__((weak));
// The section emu_counters: whole pages, of each thread its own.
extern _Thread_local uint64_t emu_cells_begin[] __attribute__((tls_model("local-exec"))), emu_cells_end[] __attribute__((tls_model("local-exec")));
extern const struct emu_key __start_emu_keys[] __attribute__((weak)), __stop_emu_keys[] __attribute__((weak));

#endif
