// Owns the protocol between a runner and its fallback translator (runtime/Emu.Fallback/Protocol.cs says the same), and the layout
// of the code cache that both map. One SOCK_SEQPACKET message is a struct message and `size` bytes behind it.
#ifndef EMU_FALLBACK_H
#define EMU_FALLBACK_H

#include <stdint.h>

enum { FALLBACK_VERSION = 6, FALLBACK_SOCKET = 3, FALLBACK_CACHE = 4, FALLBACK_RUNNER = 5 }; // descriptors in the service

enum fallback_kind {
  MESSAGE_HELLO = 1, // to the service: version, cache base, cache size, emu_state - fs:0, cells base, cells size; then the build's name
  MESSAGE_READY,     // from it
  MESSAGE_TRANSLATE, // to it: pc, whether ahead-of-time regions may be called, enum purpose, enum page_state of the page of pc; then that page
  MESSAGE_WANT_PAGE, // from it: address
  MESSAGE_PAGE,      // to it: address, enum page_state; then the page
  MESSAGE_DONE,      // from it: address of the struct region (0: no code there), whether it is new
  MESSAGE_ERROR,     // from it: a line of text
  MESSAGE_PROMOTE,   // to it, no answer: id of a region of the first tier, PC in it that is hot
  MESSAGE_FULL,      // from it: there is no room in the cache
  MESSAGE_BOXES,     // to it, no answer: there is a box to look at
  MESSAGE_AGAIN,     // from it: it does not know of the request any more
};

// Why code is asked for: it is called; or all host frames were left before; or one instruction is wanted.
enum purpose { FOR_ENTRY, FOR_RESUMED, FOR_STEP };

// What guest code in a page may rely on.
enum page_state {
  PAGE_ABSENT,   // not executable or not there
  PAGE_CONSTANT, // not writable for the guest
  PAGE_WATCHED,  // writable; write-protected, so that a store is noticed
  PAGE_CHECKED,  // written so often that code in it must compare its own bytes
};

struct message {
  uint64_t id; // of the request that it belongs to
  uint32_t kind, size;
  uint32_t cpu, unused; // where the sender ran: whoever waits for it on another one stays awake for a moment
  uint64_t words[6];
};

enum { MESSAGE_ROOM = sizeof(struct message) + 4096 };

struct code_range {
  uint64_t from;
  uint32_t size, bytes; // offset of a copy of the guest's bytes, from the region's record
};

// Unpassed: flags and r11, which the psABI passes to no function. TAKES: whichever way the region goes.
enum { REGION_CHECKED = 1, REGION_READS_UNPASSED = 2, REGION_FIRST_TIER = 4, REGION_EXACT_FAULTS = 8, REGION_TAKES_UNPASSED = 16, REGION_STEP = 32 };

// In the cache, written by the service before it answers.
struct region {
  uint64_t pc, host, host_end;
  uint32_t id, flags; // the index of its byte in emu_valid
  uint64_t lines, lines_size; // its .debug_line
  uint64_t keys;              // struct emu_key of its cells
  uint64_t names, names_size; // names of keys that are new: array and length (32 bits each), key, text
  uint32_t first_cell, cells, ranges, unused;
  struct code_range range[];
};

// First page of the cache.
enum { CACHE_CHUNKS = 64, PROMOTED = 2048 };
struct cache_header {
  uint64_t chunk_offset[CACHE_CHUNKS]; // in the data file, of each chunk of cells; 0: not yet
  uint64_t names_offset;               // of the chunk of names
  struct cache_numbers {
    uint64_t regions, trips, nanoseconds, withdrawn; // statistics, of all processes
    uint64_t first_tier, promoted;                   // the service's: regions without LLVM; those that LLVM made of them
  } numbers;
  uint8_t is_promoted[PROMOTED];                   // by a PC's low bits: whether it may have a region of the second tier
  uint32_t exact_faults; // of code of the second tier. 1: the guest has a handler for faults; 2: code translated ahead of time has them, too
};

// Behind the cache in the same file: what is known of the service besides its answers, boxes of processes that may not use the socket (each
// has one, for a message), and what the service has written to its stderr.
enum { BOXES = 1024, BOX_ROOM = 8192, LOG_ROOM = 64 << 10 };
enum { BOXES_AT = 4096, LOG_AT = BOXES_AT + BOXES * BOX_ROOM, NOTES_ROOM = LOG_AT + LOG_ROOM };

struct service_notes {
  uint32_t boxes;        // the highest one that was used: the service looks at them without being woken
  uint32_t ended;        // by whoever waits for the service, when the rest is there
  int32_t status;        // of its end, as wait4 says it
  uint32_t unused;
  uint64_t process, pc;  // of the last request
  char report[2048];     // a file that says more, "": none
};

enum box_state { BOX_EMPTY, BOX_ASKS, BOX_IS_READ, BOX_ANSWERS };

struct box {
  uint32_t state, is_taken;
  struct message head;
  uint8_t more[4096];
};

// A chunk of cells, as it lies in the data file: header, keys, counters.
enum { CELLS_PER_CHUNK = ((1 << 20) - 64) / 24 };

#endif
