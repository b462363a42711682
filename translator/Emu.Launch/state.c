// Owns what a guest inherits and .NET would change or suffer from: environment, signals, limits, closed descriptors. It is noted before
// .NET starts (enter_dotnet: EMU_START, and the environment in a memory file) and given back by the process that becomes a guest
// (start_guest). .NET itself runs in a clean environment with the limits raised.
#define _GNU_SOURCE
#include "launch.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static const rlim_t MIB = 1 << 20;

// What translating needs at least; where the hard limit is lower, a line says so. 0: whatever there is will do.
static const struct {
  int resource;
  const char *option, *words;
  rlim_t least;
} limits[] = {
    {RLIMIT_AS, "v", "4 GiB", 4096 * MIB}, {RLIMIT_DATA, "d", "2 GiB", 2048 * MIB}, {RLIMIT_FSIZE, "f", "64 MiB", 64 * MIB},
    {RLIMIT_STACK, "s", "1 MiB", MIB},     {RLIMIT_NOFILE, "n", "100", 100},        {RLIMIT_NPROC, "u", "", 0},
};
enum { LIMITS = sizeof limits / sizeof *limits, STATE = 64 * (LIMITS + 1), FIRST_OF_OURS = 100 };

static bool begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

// --- .NET -------------------------------------------------------------------------------------------------------------------------

// The variables that emu's own processes have; the rest is for guests: LD_PRELOAD, MALLOC_ARENA_MAX, DOTNET_gcServer ... (With TERM, .NET would
// send the terminal what sets up its keypad.)
static bool is_for_us(const char *entry) {
  static const char *const names[] = {"EMU_",    "HOME=",       "PATH=",        "USER=",     "LOGNAME=",    "TMPDIR=",      "XDG_",         "NUGET_",
                                      "SSL_CERT_", "http_proxy=", "https_proxy=", "no_proxy=", "HTTP_PROXY=", "HTTPS_PROXY=", "NO_PROXY=", "DOTNET_ROOT=",
                                      "DOTNET_CLI_HOME="};
  for (size_t n = 0; n < sizeof names / sizeof *names; n++)
    if (begins(entry, names[n])) return true;
  return false;
}

// NAME=VALUE, on the heap; NULL: there is no such variable.
static char *renamed(const char *name, const char *from) {
  const char *value = getenv(from);
  char *entry = value ? malloc(strlen(name) + strlen(value) + 2) : NULL;
  if (entry) sprintf(entry, "%s=%s", name, value);
  return entry;
}

// By the guest's PATH and LD_LIBRARY_PATH (EMU_GUEST_...) the command line finds the guest and its libraries; tools are in the standard folders, too.
char **clean_environment(void) {
  static char *own[256];
  size_t count = 0;
  const char *path = getenv("PATH"), *standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char *guests[] = {renamed("EMU_GUEST_PATH", "PATH"), renamed("EMU_GUEST_LIBRARY_PATH", "LD_LIBRARY_PATH")};
  char *tools = malloc((path ? strlen(path) : 0) + 100);
  sprintf(tools, "PATH=%s%s%s", path ? path : "", path && *path ? ":" : "", standard);
  own[count++] = tools;
  own[count++] = "DOTNET_EnableWriteXorExecute=0"; // it maps 2 GiB of a file, which ulimit -f forbids; starts are faster without
  for (size_t n = 0; n < sizeof guests / sizeof *guests; n++)
    if (guests[n]) own[count++] = guests[n];
  for (char **entry = environ; *entry && count < sizeof own / sizeof *own - 2; entry++)
    if (is_for_us(*entry) && !begins(*entry, "PATH=") && !begins(*entry, "EMU_GUEST_")) own[count++] = *entry;
  return own;
}

static void raise_limit(int n, struct rlimit *old) {
  getrlimit(limits[n].resource, old);
  struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY}, hard = {old->rlim_max, old->rlim_max}, stack = {8 * MIB, old->rlim_max};
  if (limits[n].resource == RLIMIT_STACK) { // of what it says, every thread takes as much
    if (old->rlim_max < stack.rlim_cur) stack.rlim_cur = old->rlim_max;
    setrlimit(RLIMIT_STACK, &stack);
  } else if (setrlimit(limits[n].resource, &most)) {
    setrlimit(limits[n].resource, &hard);
  }
  struct rlimit now;
  getrlimit(limits[n].resource, &now);
  if (now.rlim_cur >= limits[n].least) return;
  fprintf(stderr, "emu: ulimit -%s is too low to translate (%s at least): run it once without; what is translated runs with it\n", limits[n].option,
          limits[n].words);
  exit(1);
}

static uint64_t ignored_signals(void) {
  uint64_t ignored = 0;
  struct sigaction action;
  for (int n = 1; n < NSIG; n++)
    if (!sigaction(n, NULL, &action) && action.sa_handler == SIG_IGN) ignored |= 1ul << (n - 1);
  return ignored;
}

// Descriptors 0 to 2 must be something: else the next file that is opened becomes standard output.
static unsigned fill_descriptors(void) {
  unsigned closed = 0;
  for (int n = 0; n <= 2; n++)
    if (fcntl(n, F_GETFD) < 0) closed |= 1u << n, open("/dev/null", O_RDWR);
  return closed;
}

// The environment as it is, byte for byte, for start_guest.
static int keep_environment(void) {
  int file = memfd_create("emu-environment", 0), high = fcntl(file, F_DUPFD, FIRST_OF_OURS);
  if (high >= 0) close(file), file = high;
  for (char **entry = environ; *entry; entry++)
    if (write(file, *entry, strlen(*entry) + 1) < 0) perror("emu: the environment cannot be kept"), exit(1);
  return file;
}

// words: .NET, the command line, its words.
void enter_dotnet(char **words) {
  static char start[2 * STATE];
  static char values[STATE];
  sigset_t none, mask;
  unsigned closed = fill_descriptors();
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, &mask);
  uint64_t blocked;
  memcpy(&blocked, &mask, sizeof blocked);
  size_t size = 0;
  for (int n = 0; n < LIMITS; n++) {
    struct rlimit old;
    raise_limit(n, &old);
    size += (size_t)snprintf(values + size, sizeof values - size, " %lx %lx", old.rlim_cur, old.rlim_max);
  }
  snprintf(start, sizeof start, "EMU_START=%d %" PRIx64 " %" PRIx64 " %x%s", keep_environment(), ignored_signals(), blocked, closed, values);
  signal(SIGCHLD, SIG_DFL); // ignored, it would keep .NET from hearing how its tools ended
  signal(SIGXFSZ, SIG_IGN); // a write past the limit is an error with a message
  char **own = clean_environment();
  for (size_t n = 0;; n++)
    if (!own[n]) {
      own[n] = start;
      break;
    }
  execve(words[0], words, own);
  perror("emu: cannot start .NET");
}

// --- The guest --------------------------------------------------------------------------------------------------------------------

// The user's environment, without variables of emu's; and, for a runner, those that .NET has.
static char **guest_environment(int file, bool native) {
  off_t size = lseek(file, 0, SEEK_END);
  char *text = size > 0 ? mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0) : NULL;
  size_t count = 0, most = 1;
  for (off_t at = 0; at < size; at++) most += !text[at];
  for (char **entry = environ; *entry; entry++) most++;
  char **all = calloc(most, sizeof *all);
  for (char *entry = text; text && entry < text + size; entry += strlen(entry) + 1)
    if (!begins(entry, "EMU_")) all[count++] = entry;
  for (char **entry = environ; *entry && !native; entry++)
    if (begins(*entry, "EMU_") && !begins(*entry, "EMU_START=") && !begins(*entry, "EMU_ASKED=")) all[count++] = *entry;
  return all;
}

// By the kernel's own calls: glibc keeps 32 and 33, which its posix_spawn ignores, to itself.
static void give_back_signals(uint64_t ignored, uint64_t blocked) {
  for (int n = 1; n < NSIG; n++) {
    uint64_t action[4] = {(uint64_t)(ignored >> (n - 1) & 1 ? SIG_IGN : SIG_DFL)}; // handler, flags, restorer, mask
    syscall(SYS_rt_sigaction, n, action, NULL, sizeof blocked);
  }
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof blocked);
}

// start HOW PATH WORD...: HOW has n (natively: without variables of emu's) and f (descriptors are set up already).
int start_guest(const char *how, const char *path, char **words) {
  char *text = getenv("EMU_START");
  if (!text) return execv(path, words), perror("emu: cannot start the runner"), 126;
  int file = (int)strtol(text, &text, 10);
  uint64_t ignored = strtoul(text, &text, 16), blocked = strtoul(text, &text, 16);
  unsigned closed = strchr(how, 'f') ? 0 : (unsigned)strtoul(text, &text, 16);
  if (strchr(how, 'f')) strtoul(text, &text, 16);
  char **environment = guest_environment(file, strchr(how, 'n'));
  close(file);
  for (int n = 0; n < LIMITS; n++) {
    struct rlimit old;
    old.rlim_cur = strtoul(text, &text, 16);
    old.rlim_max = strtoul(text, &text, 16);
    setrlimit(limits[n].resource, &old);
  }
  give_back_signals(ignored, blocked);
  for (int n = 0; n <= 2; n++)
    if (closed >> n & 1) close(n);
  execve(path, words, environment);
  perror("emu: cannot start the runner");
  return 126;
}
