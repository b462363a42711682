// Owns the probes of the plugin "libc": at getppid they allocate, format and print, or fault.
#include <emu/probe.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KEPT = 16 };
static _Thread_local uint64_t calls;
static _Thread_local char *kept[KEPT];
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static FILE *logs[2]; // of the first process, of its child
static pid_t first;
static FILE *open_log(void) {
  char name[4096];
  snprintf(name, sizeof name, "%s.%d", getenv("LIBC_LOG"), (int)getpid());
  return fopen(name, "w");
}
static void begin(void) { pthread_key_create(&key, NULL), first = getpid(), logs[0] = open_log(); }

// Blocks of many sizes live on for a while: whoever shares one with another thread sees it.
static void use_memory(unsigned thread) {
  char **place = &kept[calls % KEPT];
  size_t size = 1 + calls * 7919 % 3000;
  for (size_t i = 0; *place && (*place)[i]; i++)
    if ((*place)[i] != (char)(1 + thread % 100)) printf("memory of %u is another one's\n", thread), (*place)[i] = 0;
  free(*place);
  *place = malloc(size + 1);
  memset(*place, (int)(1 + thread % 100), size), (*place)[size] = 0;
}

EMU_PROBE void libc_work(uint64_t number) {
  if (number != SYS_getppid) return;
  unsigned thread = (unsigned)syscall(SYS_gettid);
  pthread_once(&once, begin);
  if (getpid() != first && !logs[1]) logs[1] = open_log();
  if ((uint64_t)pthread_getspecific(key) != calls) printf("a value of %u is another one's\n", thread);
  calls++;
  pthread_setspecific(key, (void *)calls);
  errno = (int)thread;
  use_memory(thread);
  fprintf(logs[getpid() != first], "%u %llu %s\n", thread, (unsigned long long)calls, errno == (int)thread ? "whole" : "errno");
}

static uint64_t sum;

EMU_PROBE void libc_inlined(uint64_t number) {
  if (number == SYS_getppid) sum += *(volatile uint64_t *)(number - SYS_getppid + 16); // line 51
}

__attribute__((noinline)) static uint64_t read_it(uint64_t at) {
  return *(volatile uint64_t *)at; // line 55
}

EMU_PROBE void libc_called(uint64_t number) {
  if (number == SYS_getppid) sum += read_it(number - SYS_getppid + 16);
}

EMU_PROBE void libc_library(uint64_t number) {
  if (number == SYS_getppid) sum += strlen((const char *)(number - SYS_getppid + 16));
}

EMU_PROBE void libc_divide(uint64_t number) {
  volatile uint64_t zero = 0;
  if (number == SYS_getppid) sum += 100 / zero; // line 68
}
