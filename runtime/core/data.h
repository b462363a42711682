// Owns the format of the data file: what a runner with plugins leaves behind, readable at any moment, also after kill -9.
//
//   header | meta: JSON bytes | keys: struct emu_key per cell | counters: u64 per cell, page aligned | chunks
//
// Counters and chunks are mapped MAP_SHARED, so the file is the memory. Other threads than the first, and forked children, have sets of counters
// of their own (counters.c): a page that starts with "EMUCOUNT", then the cells in the order of the keys, in as many chunks as that takes. A
// cell's count is the sum over all sets.
#ifndef EMU_DATA_H
#define EMU_DATA_H

#include "emu.h"
#include <stdbool.h>

enum { DATA_HEADER = 64 << 10, DATA_SETS = 4080, DATA_CHUNK = 1 << 20, DATA_RUNNING = 0, DATA_EXITED = 1, DATA_KILLED = 2 };

struct data_header {
  char magic[8]; // "EMUDATA\x01"
  uint64_t meta_offset, meta_size, keys_offset, keys_size, counters_offset, counters_size, chunks_offset, chunk_size;
  uint64_t state;            // DATA_RUNNING (or killed unseen), DATA_EXITED, DATA_KILLED: of the first process
  uint64_t status;           // exit code or signal
  uint64_t start_ns, end_ns; // CLOCK_REALTIME
  // Shared by the processes of this run; of no use to a reader.
  _Atomic uint64_t sequence[EMU_STREAMS]; // chunks begun, per stream
  _Atomic uint64_t end[EMU_STREAMS + 1];  // file size: of streams with a file of their own, and of the data file
  struct {
    uint64_t offset, owner; // in the data file, 0: not made yet; process, 0: free
  } set[DATA_SETS];         // of counters
};

// A reader stops at `used` or, where that is 0 (still open, or its process was killed), at a record whose first 8 bytes
// are zero.
struct data_chunk {
  char magic[8]; // "EMUCHUNK"
  uint64_t stream, thread, sequence;
  uint64_t used; // bytes of records
  uint64_t unused[3];
};

_Static_assert(sizeof(struct data_header) <= DATA_HEADER, "room");
_Static_assert(offsetof(struct data_header, state) == 72 && sizeof(struct data_chunk) == 64, "format");

extern struct data_header *data_header; // the mapped header; NULL without plugins

// stream.c
void stream_seal(void); // nothing can be mapped later
void stream_init(int data_file, int device); // device: where raw records go instead of chunks; -1: nowhere
void stream_finish(void);
void stream_reopen(void);
void stream_forked(void);
enum { STREAM_ROOM = EMU_STREAMS * DATA_CHUNK };
void stream_thread_begins(uint8_t room[STREAM_ROOM]); // for its buffers
void stream_thread_ends(void);
bool data_new_chunk(uint64_t *offset); // makes room for one at the end of the data file
bool data_extend(uint64_t bytes, uint64_t used, uint64_t *offset); // the same for `bytes`, of which `used` get room on the disk

// counters.c
bool counters_init(void);            // maps the first thread's
void counters_own(void);             // in a forked child, or when its exec failed
void counters_give_up(void);         // before it ends: another one may count on
bool counters_map(uint64_t cells[]); // a set of its own there; false: there is none
int data_file(void);

#endif
