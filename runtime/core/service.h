// Owns what the core's files say to each other about the fallback translator's process (service.c) and the way to it (channel.c).
#ifndef EMU_SERVICE_H
#define EMU_SERVICE_H

#include "fallback.h"
#include <stdbool.h>
#include <stdint.h>

// service.c
const char *service_variable(const char *name); // of the runner's environment as it was at first; NULL: there is none
uint64_t service_number(const char *name, uint64_t otherwise);
const char *service_missing(void);          // why there is no program for it; NULL: there is one
bool service_start(int socket, int memory); // with these; false: there is no process for it
const char *service_end(void);              // what is known of its end
bool service_orphans_come_here(void);       // whether this process is told of the ends of descendants that are no children

// channel.c: one message at a time.
extern const char channel_ended[], channel_nonsense[];
void channel_use(int socket);
bool channel_is_boxed(void);
bool channel_box(void);      // from now on no system call is needed; false: there is no place for that
void channel_unbox(void);
uint64_t channel_patience(void); // seconds
void channel_moment(void);       // a millisecond, about
bool channel_post(uint64_t id, uint32_t kind, const uint64_t words[6], const void *more, uint32_t size); // whether somebody is there
const char *channel_hear(uint64_t id, struct message *head, uint8_t more[4096]); // why there is no answer to a request; NULL: it is there

#endif
