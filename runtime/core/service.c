// Owns the fallback translator as a process: where its program is, how it is started, and what is known of its end. Its parent is a process
// that does nothing but wait for it, the keeper: so the guest never waits for it, and how it ended is known.
#include "core.h"
#include "codecache.h"
#include "service.h"
#include "signals.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const passed[] = {"HOME",         "XDG_CACHE_HOME",       "PATH",             "TMPDIR",    "EMU_CACHE", "DOTNET_ROOT",
                                     "EMU_FALLBACK", "EMU_FALLBACK_SECONDS", "EMU_FALLBACK_KIB", "EMU_STATS", "EMU_TIER"};
enum { PASSED = sizeof passed / sizeof *passed };
static char strings[16 << 10], *environment[PASSED + 2];

// The guest may write over its environment: it lies on its stack.
void service_note_environment(void) {
  char *at = strings;
  size_t n = 0;
  for (size_t i = 0; i < PASSED; i++) {
    const char *value = getenv(passed[i]);
    size_t name = strlen(passed[i]), size = value ? strlen(value) : 0;
    if (!value || size + name + 2 > (size_t)(strings + sizeof strings - at)) continue;
    environment[n++] = at;
    memcpy(at, passed[i], name);
    at[name] = '=';
    memcpy(at + name + 1, value, size + 1);
    at += name + size + 2;
  }
}

const char *service_variable(const char *name) {
  size_t length = strlen(name);
  for (char **at = environment; *at; at++)
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=' && (*at)[length + 1]) return *at + length + 1;
  return NULL;
}

uint64_t service_number(const char *name, uint64_t otherwise) {
  const char *text = service_variable(name);
  return text && atol(text) > 0 ? (uint64_t)atol(text) : otherwise;
}

// --- The program ----------------------------------------------------------------------------------------------------------

// The one of `emu build --bundle`, with the libraries that it needs.
static struct {
  char libraries[PATH_LENGTH], program[PATH_LENGTH];
} bundle = {.libraries = "LD_LIBRARY_PATH="};

static bool is_bundled(void) {
  char *folder = bundle.libraries + strlen("LD_LIBRARY_PATH=");
  long length = RAW3(SYS_readlink, "/proc/self/exe", folder, sizeof bundle.libraries - 64);
  if (length <= 0) return false;
  folder[length] = 0;
  strcpy(strrchr(folder, '/') + 1, "emu-fallback");
  strcpy(bundle.program, folder);
  strcat(bundle.program, "/emu-fallback");
  return !access(bundle.program, X_OK);
}

// The variable's, else the one that the runner was built with, else one beside the runner; "": none.
static const char *program(void) {
  const char *own = service_variable("EMU_FALLBACK");
  if (own) return own;
  return (*emu_fallback_path && !access(emu_fallback_path, R_OK)) || !is_bundled() ? emu_fallback_path : bundle.program;
}

static const char *path; // of the one that is to be started

static const char *about(const char *begin, const char *why, const char *end) {
  static char text[PATH_LENGTH + 200];
  const char *parts[] = {begin, path, ": ", why, end};
  *text = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) strncat(text, parts[i], sizeof text - 1 - strlen(text));
  return text;
}

const char *service_missing(void) {
  path = program();
  if (!*path) return " is missing: this runner does not know one (EMU_FALLBACK names it)";
  if (access(path, R_OK)) return about(" is missing: ", strerror(errno), " (EMU_FALLBACK names another)");
  return is_trusted(path) ? NULL : about(" is not started: ", "others may change it", " (SECURITY.md)");
}

// --- In the service's process, until it is that program. Thread-local storage is gone: nothing here uses errno ----------------------

static int socket_end, cache_file; // of the one that is started

static void own_descriptors(void) {
  long from[3] = {socket_end, cache_file, RAW3(SYS_open, "/proc/self/exe", O_RDONLY, 0)}, nothing = RAW3(SYS_open, "/dev/null", O_RDWR, 0);
  for (int i = 0; i < 3; i++) from[i] = RAW3(SYS_fcntl, from[i], F_DUPFD, 100);
  nothing = RAW3(SYS_fcntl, nothing, F_DUPFD, 100);
  RAW2(SYS_dup2, nothing, 0), RAW2(SYS_dup2, nothing, 1), RAW2(SYS_dup2, from[1], 2);
  for (int i = 0; i < 3; i++) RAW2(SYS_dup2, from[i], FALLBACK_SOCKET + i);
  RAW3(SYS_close_range, FALLBACK_RUNNER + 1, ~0u, 0);
}

static void default_signals(uint64_t mask) {
  struct action action = {0, 0, 0, 0};
  for (int i = 1; i <= 64; i++) RAW4(SYS_rt_sigaction, i, &action, NULL, 8);
  RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

// What the guest is limited to is not what its translator may use.
static void raise_limits(void) {
  for (int what = 0; what < RLIM_NLIMITS; what++) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY}, none = {0, 0};
    if (what == RLIMIT_STACK) continue; // without one, the kernel lays memory out in another way
    if (what == RLIMIT_CORE) limit = none;
    if (!RAW4(SYS_prlimit64, 0, what, &limit, NULL) || RAW4(SYS_prlimit64, 0, what, NULL, &limit)) continue;
    limit.rlim_cur = limit.rlim_max;
    RAW4(SYS_prlimit64, 0, what, &limit, NULL);
  }
}

static _Noreturn void become_service(void) {
  size_t length = strlen(path);
  bool managed = length > 4 && strcmp(path + length - 4, ".dll") == 0;
  char *words[] = {(char *)(managed ? emu_fallback_host : path), managed ? (char *)path : NULL, NULL};
  if (path == bundle.program) {
    char **end = environment;
    while (*end) end++;
    *end = bundle.libraries;
  }
  own_descriptors();
  raise_limits();
  default_signals(0);
  RAW3(SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE, 0); // the guest may have forbidden itself to read it
  RAW3(SYS_execve, words[0], words, environment);
  for (;;) RAW1(SYS_exit_group, 127);
}

// --- In the keeper's ------------------------------------------------------------------------------------------------------

extern const char __executable_start[], _end[];

// It keeps none of the guest's memory alive.
static void leave_memory(void) {
  const uint64_t notes = (uint64_t)cache_notes();
  const uint64_t kept[2][2] = {{(uint64_t)__executable_start, page_up((uint64_t)_end)}, {notes, notes + NOTES_ROOM}};
  const uint64_t all = 0x7ffffffff000; // TASK_SIZE
  int low = kept[1][0] < kept[0][0];
  RAW2(SYS_munmap, 0, kept[low][0]);
  RAW2(SYS_munmap, kept[low][1], kept[!low][0] - kept[low][1]);
  RAW2(SYS_munmap, kept[!low][1], all - kept[!low][1]);
}

static const char *log_text(void) { return (const char *)cache_notes() + LOG_AT; }

// Somebody wanted it to end, or nobody needs it any more: there is nothing to look into.
static bool was_told(int status) {
  int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return !status || (!*log_text() && (signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP || !signal));
}

static void append_number(char *to, uint64_t number) {
  char digits[24] = {0}, *at = digits + sizeof digits - 1;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  strcat(to, at);
}

static long create_report(char name[2048], long process) {
  const char *folder = service_variable("TMPDIR");
  strncat(name, folder ? folder : "/tmp", 1024);
  append_number(strcat(name, "/emu-fallback-"), (uint64_t)process);
  return RAW3(SYS_open, strcat(name, ".log"), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void write_report(long process, int status) {
  struct service_notes *notes = cache_notes();
  static char name[2048];
  long file = create_report(name, process);
  if (file < 0) return;
  say_to((int)file, "the fallback translator %s (process %u) has ended: wait status %x", path, (uint64_t)process, (uint64_t)(uint32_t)status);
  say_to((int)file, "guest %s; translator %s", emu_image_name, emu_build_name);
  say_to((int)file, "the last request was for the code at %x, of process %u; it wrote:", notes->pc, notes->process);
  RAW3(SYS_write, file, log_text(), strnlen(log_text(), LOG_ROOM));
  RAW1(SYS_close, file);
  strcpy(notes->report, name);
}

static bool is_reaper; // of this process's descendants that lose their parents: the guest would be told of them

static uint8_t keepers_stack[16 << 10] __attribute__((aligned(64)));

static _Noreturn void keep(void) {
  int status = 0;
  leave_memory();
  if (!is_reaper && raw(SYS_clone, 0, 0, 0, 0, 0, 0)) RAW1(SYS_exit_group, 0); // it is nobody's child
  RAW0(SYS_setsid); // signals of the terminal are the guest's
  RAW1(SYS_chdir, "/");
  RAW2(SYS_prctl, PR_SET_NAME, "emu-keeper");
  long service = raw(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
  if (service == 0) become_service();
  RAW3(SYS_close_range, 0, ~0u, 0);
  default_signals(~0ull);
  while (service > 0 && RAW4(SYS_wait4, service, &status, 0x40000000 /* __WALL */, NULL) == -EINTR) continue;
  if (!was_told(status)) write_report(service, status);
  cache_notes()->status = status;
  __atomic_store_n(&cache_notes()->ended, 1, __ATOMIC_RELEASE);
  for (;;) RAW1(SYS_exit_group, 0);
}

// --- In the guest's process -----------------------------------------------------------------------------------------------

bool service_orphans_come_here(void) {
  int is = 0;
  return RAW0(SYS_getpid) == 1 || (!RAW2(SYS_prctl, PR_GET_CHILD_SUBREAPER, &is) && is);
}

// The first process tells nobody of its end (exit signal 0), so that the guest's wait does not see it. Where orphans would become the
// guest's children, it is the keeper; else it ends, and is waited for at once.
bool service_start(int socket, int memory) {
  socket_end = socket, cache_file = memory;
  is_reaper = service_orphans_come_here();
  RAW3(SYS_lseek, memory, cache_size() + LOG_AT, SEEK_SET); // for its stderr
  uint64_t held = signals_hold();
  long first = raw(SYS_clone, 0, 0, 0, 0, 0, 0);
  if (first == 0) switch_stack((uint64_t)keepers_stack + sizeof keepers_stack, keep);
  signals_release(held);
  if (first < 0) return false;
  while (!is_reaper && RAW4(SYS_wait4, first, NULL, 0x40000000, NULL) == -EINTR) continue;
  return true;
}

// Its last line that does not begin with a space: what it said, without the frames behind.
static size_t last_line(const char **line) {
  const char *text = log_text(), *end = text + strnlen(text, LOG_ROOM);
  size_t length = 0;
  for (const char *at = text, *next; at < end; at = next + 1) {
    next = memchr(at, '\n', (size_t)(end - at));
    if (!next) next = end;
    if (next > at && *at != ' ') *line = at, length = (size_t)(next - at);
  }
  return length;
}

// The keeper hears of it a moment later than those who wait for an answer.
const char *service_end(void) {
  static char text[4096];
  enum { MOMENTS = 2000, ROOM = 600 };
  const struct service_notes *notes = cache_notes();
  for (int i = 0; i < MOMENTS && !__atomic_load_n(&notes->ended, __ATOMIC_ACQUIRE); i++) channel_moment();
  strcpy(text, " has ended");
  if (!notes->ended) return text;
  int status = notes->status;
  if (WIFSIGNALED(status)) {
    append_number(strcat(text, ": signal "), (uint64_t)WTERMSIG(status));
    strcat(strcat(strcat(text, " ("), signal_name(WTERMSIG(status))), ")");
  } else if (WEXITSTATUS(status)) {
    append_number(strcat(text, ": exit code "), (uint64_t)WEXITSTATUS(status));
  }
  const char *line;
  size_t length = last_line(&line);
  if (length) strncat(strcat(text, ": "), line, length < ROOM ? length : ROOM);
  if (*notes->report) strcat(strcat(strcat(text, " ("), notes->report), " says more)");
  return text;
}
