// A toy JIT: emits machine code, calls it, and emits other code at the same place, in memory that is made executable in all the usual
// ways. Argument: which way.
#include "guest.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <stdlib.h>

typedef uint64_t (*code)(uint64_t, uint64_t);

static uint8_t *put(uint8_t *at, const char *bytes, size_t n) { memcpy(at, bytes, n); return at + n; }

// lea rax,[rdi+rsi+constant]; ret
static void emit_add(uint8_t *at, uint32_t constant) {
  at = put(at, "\x48\x8d\x84\x37", 4);
  memcpy(at, &constant, 4);
  put(at + 4, "\xc3", 1);
}

// xor eax,eax; again: add rax,rdi; dec rsi; jnz again; add rax,constant; ret
static void emit_loop(uint8_t *at, uint32_t constant) {
  at = put(at, "\x31\xc0\x48\x01\xf8\x48\xff\xce\x75\xf8\x48\x05", 12);
  memcpy(at, &constant, 4);
  put(at + 4, "\xc3", 1);
}

// sub rsp,8; mov rax,callee; call rax; add rsp,8; add rax,1; ret
static void emit_call(uint8_t *at, uint64_t callee) {
  at = put(at, "\x48\x83\xec\x08\x48\xb8", 6);
  memcpy(at, &callee, 8);
  put(at + 8, "\xff\xd0\x48\x83\xc4\x08\x48\x83\xc0\x01\xc3", 11);
}

__attribute__((noinline)) uint64_t helper(uint64_t a, uint64_t b) { return a * 3 + b; }

static void use(const char *what, uint8_t *write, uint8_t *run) {
  uint64_t sum = 0;
  for (uint32_t round = 0; round < 6; round++) {
    emit_add(write, round * 1000);
    emit_loop(write + 64, round);
    emit_call(write + 128, (uint64_t)helper);
    emit_call(write + 192, (uint64_t)(run + 64));
    for (uint32_t i = 1; i < 50; i++)
      for (int f = 0; f < 4; f++) sum = sum * 31 + ((code)(run + 64 * f))(i, round + 1);
  }
  printf("%s: %llx\n", what, (unsigned long long)sum);
}

static void *map(size_t size, int protection) { return mmap(0, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static void rwx(void) { uint8_t *at = map(4096, 7); use("rwx", at, at); }

static void flip(void) {
  uint8_t *at = map(8192, PROT_READ | PROT_WRITE);
  uint64_t sum = 0;
  for (uint32_t round = 0; round < 8; round++) {
    mprotect(at, 4096, PROT_READ | PROT_WRITE);
    emit_add(at, round * 7);
    mprotect(at, 4096, PROT_READ | PROT_EXEC);
    for (uint32_t i = 0; i < 20; i++) sum = sum * 31 + ((code)at)(i, round);
  }
  printf("flip: %llx\n", (unsigned long long)sum);
}

static void dual(void) {
  int fd = syscall(SYS_memfd_create, "code", 0);
  ftruncate(fd, 4096);
  uint8_t *write = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  uint8_t *run = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  use("dual", write, run);
}

static void again(void) {
  uint64_t sum = 0;
  uint8_t *at = map(4096, 7);
  for (uint32_t round = 0; round < 4; round++) {
    mmap(at, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    emit_loop(at, round);
    sum = sum * 31 + ((code)at)(5, 7);
    munmap(at, 4096);
  }
  printf("again: %llx\n", (unsigned long long)sum);
}

// Code and the data that it writes in one page.
static void together(void) {
  uint8_t *at = map(4096, 7);
  volatile uint64_t *data = (uint64_t *)(at + 2048);
  // mov [rdi],rsi; mov rax,[rdi]; add rax,1; mov [rdi+8],rax; ret
  put(at, "\x48\x89\x37\x48\x8b\x07\x48\x83\xc0\x01\x48\x89\x47\x08\xc3", 15);
  uint64_t sum = 0;
  for (uint64_t i = 0; i < 300; i++) sum = sum * 31 + ((code)at)((uint64_t)data, i) + data[1];
  printf("together: %llx\n", (unsigned long long)sum);
}

// The kernel writes the code.
static void from_file(void) {
  uint8_t *at = map(4096, 7), text[64];
  uint64_t sum = 0;
  for (uint32_t round = 0; round < 4; round++) {
    int ends[2];
    emit_add(text, round + 100);
    pipe(ends);
    write(ends[1], text, 9);
    if (read(ends[0], at, 9) != 9) printf("short\n");
    close(ends[0]);
    close(ends[1]);
    for (uint32_t i = 0; i < 5; i++) sum = sum * 31 + ((code)at)(i, round);
  }
  printf("file: %llx\n", (unsigned long long)sum);
}

// Much code that runs once.
static void cold(void) {
  enum { COUNT = 400, ROOM = 128 };
  uint8_t *at = map(COUNT * ROOM, 7);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < COUNT; i++) {
    uint8_t *p = at + i * ROOM;
    for (int k = 0; k < 6; k++) p = put(p, "\x48\x01\xf7\x48\x31\xfe\x48\x8d\x7c\x37\x03", 11); // add rdi,rsi; xor rsi,rdi; lea rdi,[rdi+rsi+3]
    put(p, "\x48\x89\xf8\xc3", 4);                                                           // mov rax,rdi; ret
  }
  for (uint32_t i = 0; i < COUNT; i++) sum = sum * 31 + ((code)(at + i * ROOM))(i, sum);
  printf("cold: %llx\n", (unsigned long long)sum);
}

// Code that runs often: long loops, many calls; and other code at the same places when it is hot.
static void hot(void) {
  uint8_t *at = map(4096, 7);
  uint64_t sum = 0;
  for (uint32_t round = 0; round < 3; round++) {
    emit_loop(at, round);
    emit_add(at + 64, round * 7);
    emit_call(at + 128, (uint64_t)(at + 64));
    sum = sum * 31 + ((code)at)(round + 3, 40000000);
    for (uint64_t i = 0; i < 1000000; i++) sum = sum * 31 + ((code)(at + 128))(i, sum);
  }
  printf("hot: %llx\n", (unsigned long long)sum);
}

static uint8_t *stop;

static void patch(int signal) {
  (void)signal;
  *stop = 0xc3; // ret
}

// A signal handler puts an end to a loop without one, of as many instructions. It finds it hot.
static void endless(const char *what, int length) {
  uint8_t *at = map(4096, 7), *p = at;
  for (int i = 0; i < length; i++) p = put(p, "\x48\xff\xc0", 3); // inc rax
  stop = p;
  put(p, "\xe9", 1); // jmp at
  int32_t back = (int32_t)(at - (p + 5));
  memcpy(p + 1, &back, 4);
  signal(SIGALRM, patch);
  setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 400000}}, 0);
  printf("%s: %d\n", what, ((code)at)(0, 0) > 1);
}

int main(int argc, char **argv) {
  const char *way = argc > 1 ? argv[1] : "rwx";
  if (!strcmp(way, "rwx")) rwx();
  if (!strcmp(way, "flip")) flip();
  if (!strcmp(way, "dual")) dual();
  if (!strcmp(way, "again")) again();
  if (!strcmp(way, "together")) together();
  if (!strcmp(way, "file")) from_file();
  if (!strcmp(way, "cold")) cold();
  if (!strcmp(way, "hot")) hot();
  if (!strcmp(way, "endless")) endless(way, 3);
  if (!strcmp(way, "far")) endless(way, 700);
  return 0;
}
