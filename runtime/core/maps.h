// Owns what the core's files say to each other about the lines of /proc/PID/maps.
#ifndef EMU_MAPS_H
#define EMU_MAPS_H

#include <stdbool.h>
#include <stdint.h>

// A line of /proc/PID/maps or smaps (Documentation/filesystems/proc.rst): from-to rwxp offset major:minor inode name
struct mapping {
  uint64_t from, to; // to = 0: the line is none of this kind
  bool readable, writable, executable, shared;
  uint64_t offset, major, minor, inode;
  const char *name; // "" for none
};

struct mapping mapping_of(const char *line);

// Each line of a file, without its end. (One that is longer than a path can be is left out, and the rest.)
// False: it cannot be read.
bool each_line(const char *path, void (*see)(const char *line, void *with), void *with);

void maps_keep_reach(void); // also when /proc has no name any more

// The highest address below `limit` where so many bytes are free; 0: there is none.
uint64_t gap_below(uint64_t limit, uint64_t size);

#endif
