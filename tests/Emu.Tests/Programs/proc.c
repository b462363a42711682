// What a process sees of itself in /proc and its auxiliary vector, without addresses: prints the same whoever runs it.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;
static char zeroes[1 << 20];
static const char constant[] = "constant";
static int value = 1;

// The mapping that an address is in: rights, whether it is a file's, name.
static void where(const char *what, const void *address, const char *file) {
  char line[8192], rights[5], name[4096];
  unsigned long from, to, offset, inode, found = 0;
  FILE *maps = fopen(file, "r");
  while (maps && fgets(line, sizeof line, maps)) {
    name[0] = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %*x:%*x %lu %4095[^\n]", &from, &to, rights, &offset, &inode, name) < 5) continue;
    if ((unsigned long)address < from || (unsigned long)address >= to) continue;
    struct stat is = {0};
    stat(name, &is);
    printf("%s: %s %s %s%s\n", what, rights, name, is.st_ino == inode ? "same inode" : "another inode", strlen(line) < 73 || line[73] != ' ' ? "" : " column");
    found = 1;
  }
  if (!found) printf("%s: nowhere\n", what);
  if (maps) fclose(maps);
}

// The program's own lines, and what there is besides files and unnamed memory.
static void lines(const char *program) {
  char line[8192];
  FILE *maps = fopen("/proc/self/maps", "r");
  unsigned long from, to, first = 0;
  while (fgets(line, sizeof line, maps)) {
    sscanf(line, "%lx-%lx", &from, &to);
    if (!strchr(line, '/') && !strchr(line, '[')) continue;
    if (strstr(line, "[v") || (strchr(line, '/') && !strstr(line, program))) continue;
    if (!first) first = from;
    if (strstr(line, program)) printf("+%lx-%lx%.32s %s", from - first, to - first, strchr(line, ' '), strstr(line, program));
    else printf("%s", strrchr(line, ' '));
  }
  fclose(maps);
}

static void vector(void) {
  Elf64_auxv_t file[64], asked[64];
  int fd = open("/proc/self/auxv", O_RDONLY);
  long size = read(fd, file, sizeof file);
  close(fd);
  int same = 1;
  for (Elf64_auxv_t *a = file; a->a_type; a++) {
    same &= getauxval(a->a_type) == a->a_un.a_val;
    switch (a->a_type) {
    case AT_SYSINFO_EHDR: case AT_RANDOM: case AT_HWCAP2: case 27: case 28: case AT_MINSIGSTKSZ: break;
    case AT_PHDR: where("AT_PHDR", (void *)a->a_un.a_val, "/proc/self/maps"); break;
    case AT_ENTRY: where("AT_ENTRY", (void *)a->a_un.a_val, "/proc/self/maps"); break;
    case AT_BASE:
      if (a->a_un.a_val) where("AT_BASE", (void *)a->a_un.a_val, "/proc/self/maps");
      break;
    case AT_EXECFN: printf("AT_EXECFN %s\n", (char *)a->a_un.a_val); break;
    case AT_PLATFORM: printf("AT_PLATFORM %s\n", (char *)a->a_un.a_val); break;
    default: printf("%lu %lx\n", a->a_type, a->a_un.a_val);
    }
  }
  int ends = file[size / 16 - 1].a_type == 0;
  long kernels = prctl(0x41555856, asked, sizeof asked, 0, 0);
  printf("auxv %d %d %d\n", same, ends, kernels < 0 || !memcmp(asked, file, size));
}

static void environment(void) {
  char text[65536] = "", *at = text;
  int fd = open("/proc/self/environ", O_RDONLY), same = 1;
  long size = read(fd, text, sizeof text - 1), n = 0;
  close(fd);
  for (; at < text + size; at += strlen(at) + 1, n++) same &= !strcmp(at, environ[n]);
  printf("environ %d %d\n", same, environ[n] == NULL);
}

static void stack_of(const char *who) {
  pthread_attr_t attributes;
  void *at;
  size_t size;
  if (pthread_getattr_np(pthread_self(), &attributes)) return;
  pthread_attr_getstack(&attributes, &at, &size);
  printf("%s: on its stack %d, size %d\n", who, (char *)&size > (char *)at && (char *)&size < (char *)at + size, size >= 4 << 20);
  pthread_attr_destroy(&attributes);
}

static void *other(void *nothing) {
  char name[64];
  stack_of("thread");
  where("thread", &value, "/proc/thread-self/maps");
  sprintf(name, "/proc/%d/maps", (int)syscall(SYS_gettid));
  where("by thread id", &value, name);
  sprintf(name, "/proc/%d/task/%d/smaps", getpid(), (int)syscall(SYS_gettid));
  where("smaps of task", &value, name);
  return nothing;
}

static void link_itself(void) {
  struct stat is, of, target;
  char name[64], text[4096] = "";
  printf("exe: link %d %d", lstat("/proc/self/exe", &is), S_ISLNK(is.st_mode));
  stat("/proc/self/exe", &of);
  ssize_t size = readlink("/proc/self/exe", text, sizeof text - 1);
  printf(" %d %s %d", stat(text, &target), text, of.st_ino == target.st_ino);
  sprintf(name, "/proc/%d/task/%d/exe", getpid(), getpid());
  int fd = open(name, O_RDONLY | O_NOFOLLOW);
  printf(" %d %d", (int)size == (int)strlen(text), fd < 0 ? errno : 0);
  fstat(fd = open(name, O_RDONLY), &of);
  printf(" %d\n", of.st_ino == target.st_ino);
}

static void descriptors(void) {
  char text[64] = "";
  int folder = open("/proc/self", O_RDONLY | O_DIRECTORY), maps = openat(folder, "maps", O_RDONLY | O_CLOEXEC), again = dup(maps);
  printf("descriptors %d %d %d", maps - folder, again - maps, fcntl(maps, F_GETFD));
  printf(" %d %d", (fcntl(maps, F_GETFL) & O_ACCMODE) == O_RDONLY, write(maps, "x", 1) < 0);
  printf(" %d", (int)lseek(again, 0, SEEK_SET) + (read(maps, text, 60) == 60));
  printf(" %d\n", open("/proc/self/maps", O_RDONLY | O_DIRECTORY) < 0 ? errno : 0);
  printf("others %d %d\n", open("/proc/1/maps", O_RDONLY) >= 0, access("/proc/self/maps", R_OK));
}

// More than there are below those of a runner: every one is the guest's, and close_range closes all of them.
static void many(int (*code)(void)) {
  enum { MANY = 1100, FIRST = 100 };
  struct rlimit limit;
  int files[MANY], opened = 0, closed = 0, left = 0;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 2 * MANY) limit.rlim_cur = 2 * MANY, setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < MANY; i++) opened += (files[i] = open("/dev/null", O_RDONLY)) >= 0;
  for (int i = 0; i < MANY; i++) closed += close(files[i]) == 0;
  for (int i = 0; i < MANY; i++) opened += (files[i] = open("/dev/null", O_RDONLY)) >= 0;
  printf("many %d %d %d %d", opened, closed, (int)syscall(SYS_close_range, FIRST, ~0u, 0), (int)syscall(SYS_close_range, 9, 8, 0));
  for (int i = 0; i < MANY; i++) left += files[i] >= FIRST && fcntl(files[i], F_GETFD) >= 0;
  printf(" %d %d\n", left, code());
}

int main(int argc, char **argv) {
  int local, (*code)(void);
  char *heap = malloc(100), *pages = mmap(0, 3 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  where("code", main, "/proc/self/maps"), where("data", &value, "/proc/self/maps"), where("constant", constant, "/proc/self/smaps");
  where("bss", zeroes + (1 << 19), "/proc/self/maps");
  where("heap", heap, "/proc/self/maps"), where("stack", &local, "/proc/self/task/../smaps"), where("nothing", (void *)64, "/proc/self/maps");
  // Generated code in the middle page, watched once it has run.
  mprotect(pages + 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  memcpy(pages + 4096, "\xb8\x07\x00\x00\x00\xc3", 6);
  code = (int (*)(void))(pages + 4096);
  printf("generated %d\n", code());
  for (int n = 0; n < 3; n++) where("pages", pages + n * 4096, "/proc/self/maps");
  mprotect(pages, 4096, PROT_READ), mprotect(pages + 4096, 4096, PROT_READ | PROT_EXEC), mprotect(pages + 8192, 4096, PROT_NONE);
  for (int n = 0; n < 3; n++) where("pages", pages + n * 4096, "/proc/self/maps");
  char program[4096] = "";
  readlink("/proc/self/exe", program, sizeof program - 1);
  lines(program);
  vector(), environment(), link_itself(), descriptors();
  pthread_t thread;
  stack_of("first");
  pthread_create(&thread, 0, other, 0), pthread_join(thread, 0);
  mprotect(pages + 4096, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  memcpy(pages + 4096 + 64, "\xb8\x08\x00\x00\x00\xc3", 6);
  many((int (*)(void))(pages + 4096 + 64));
  return argc;
}
