// Owns exec. Another program runs natively; with --follow-exec it is translated, too: what is executed is then the launcher
// (translator/Emu.Launch), with the guest's arguments, environment, descriptors, mask and limits as they are. It becomes the program's runner,
// which is built first if there is none. What the kernel would refuse is refused before.
#include "core.h"
#include "sandbox.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { AT_EXECVE_CHECK = 0x10000, HEAD = 256, DEPTH = 5 }; // linux/fcntl.h; BINPRM_BUF_SIZE; of scripts that run scripts (fs/exec.c)

// --- Variables of ours, for the programs that follow ------------------------------------------------------------------------------

enum { MOST_VARIABLES = 32 };
static char kept_text[16 << 10], *kept[MOST_VARIABLES];
static size_t kept_count, kept_size;

static void keep(const char *name, const char *value) {
  size_t length = strlen(name), size = strlen(value) + 1;
  if (kept_count == MOST_VARIABLES || kept_size + length + size > sizeof kept_text) return;
  kept[kept_count++] = kept_text + kept_size;
  memcpy(kept_text + kept_size, name, length);
  memcpy(kept_text + kept_size + length, value, size);
  kept_size += length + size;
}

static bool begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

static bool followed;

bool exec_followed(void) { return followed; }

void exec_init(char **envp) {
  const char *name = getenv("EMU_EXECFN");
  if (name && begins(name, "/dev/fd/")) name = emu_image_name;
  if (name) prctl(PR_SET_NAME, strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
  followed = getenv("EMU_FOLLOW");
  if (!*emu_follow) return;
  for (; *envp; envp++)
    if (begins(*envp, "EMU_") && !begins(*envp, "EMU_EXEC") && !begins(*envp, "EMU_TIED") && !begins(*envp, "EMU_FOLLOW") && !begins(*envp, "EMU_DATA=")) keep("", *envp);
  keep("EMU_FOLLOW=", emu_follow);
}

void exec_note_data(const char *path) {
  if (*emu_follow) keep("EMU_DATA=", path);
}

// --- What is executed -------------------------------------------------------------------------------------------------------------

struct program {
  char path[PATH_LENGTH]; // without links
  char name[PATH_LENGTH]; // as the guest said it: AT_EXECFN
  char interpreter[DEPTH][2][HEAD]; // of scripts, the outermost first: name, argument
  size_t depth;
  const char *native; // why it is not followed; NULL: it is
};

// A vector of the guest's. Returns how many words there are, or -EFAULT.
static long count_words(uint64_t vector) {
  for (long n = 0; vector; n++) {
    uint64_t word;
    if (!copy_in(&word, vector + 8 * (uint64_t)n, 8)) return -EFAULT;
    if (!word) return n;
  }
  return 0;
}

// What the kernel says of it before it looks at the contents. (Before Linux 6.14 it cannot be asked: an error is one of the open.)
static long check(int folder, const char *path, uint64_t flags) {
  static char *const nothing[] = {"", NULL};
  long result = raw(SYS_execveat, (uint64_t)folder, (uint64_t)path, (uint64_t)nothing, (uint64_t)(nothing + 1), flags | AT_EXECVE_CHECK, 0);
  if (result != -EINVAL || flags & AT_EMPTY_PATH) return result == -EINVAL ? 0 : result;
  return RAW4(SYS_faccessat2, folder, path, X_OK, AT_EACCESS | (flags & AT_SYMLINK_NOFOLLOW));
}

// One that becomes another user's would not: who is translated is not privileged (fs/exec.c: bprm_fill_uid, security/commoncap.c).
static bool is_privileged(const struct stat *is, const char *path) {
  uint64_t user = (uint64_t)RAW0(SYS_geteuid), group = (uint64_t)RAW0(SYS_getegid);
  bool capable = user && RAW4(SYS_getxattr, path, "security.capability", NULL, 0) > 0;
  return (is->st_mode & S_ISUID && is->st_uid != user) || ((is->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && is->st_gid != group) || capable;
}

// load_elf_binary: what of it can fail before the old program is gone. Returns 0, or why the kernel would refuse.
static long check_elf(struct program *p, int file, const Elf64_Ehdr *header) {
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64) return p->native = "it is no x86-64 program", 0;
  if ((header->e_type != ET_EXEC && header->e_type != ET_DYN) || header->e_phentsize != sizeof(Elf64_Phdr)) return -ENOEXEC;
  for (uint64_t n = 0; n < header->e_phnum; n++) {
    Elf64_Phdr segment;
    char path[PATH_LENGTH] = {0};
    if (RAW4(SYS_pread64, file, &segment, sizeof segment, header->e_phoff + n * sizeof segment) != sizeof segment) return -EIO;
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_filesz < 2 || segment.p_filesz > PATH_LENGTH) return -ENOEXEC;
    if (RAW4(SYS_pread64, file, path, segment.p_filesz, segment.p_offset) != (long)segment.p_filesz) return -EIO;
    return path[segment.p_filesz - 1] ? -ENOEXEC : check(AT_FDCWD, path, 0);
  }
  return 0;
}

// fs/binfmt_script.c: a name, and everything behind it as one argument. False: there is none, or it may have been cut off.
static bool read_script(struct program *p, char head[HEAD + 1]) {
  char *end = strchr(head, '\n'), *name = head + 2 + strspn(head + 2, " \t");
  size_t length = strcspn(name, " \t\n");
  if (!end && name + length >= head + HEAD - 1) return false;
  *(end ? end : head + HEAD - 1) = 0;
  for (char *last = head + strlen(head); last > head + 2 && (last[-1] == ' ' || last[-1] == '\t');) *--last = 0;
  length = strcspn(name, " \t");
  if (!length) return false;
  memcpy(p->interpreter[p->depth][0], name, length);
  strcpy(p->interpreter[p->depth][1], name + length + strspn(name + length, " \t"));
  return true;
}

// Looks at an open file. Returns 1: it is a script, and its interpreter is the next; 0; or why it cannot be executed.
static long look(struct program *p, int file) {
  struct stat is, named;
  char head[HEAD + sizeof(Elf64_Ehdr)] __attribute__((aligned(8))) = {0};
  long got = RAW4(SYS_pread64, file, head, HEAD, 0);
  if (got < 0) return got;
  if (begins(head, "#!")) {
    if (p->depth == DEPTH) return -ELOOP;
    return read_script(p, head) ? 1 : -ENOEXEC;
  }
  if (got < (long)sizeof(Elf64_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0) return p->native = "", 0; // the kernel knows what it is
  if (!path_of(file, p->path) || RAW2(SYS_fstat, file, &is) || RAW2(SYS_stat, p->path, &named) || is.st_ino != named.st_ino || is.st_dev != named.st_dev)
    p->native = "it has no name";
  else if (is_privileged(&is, p->path))
    p->native = "it runs with other rights";
  return check_elf(p, file, (const Elf64_Ehdr *)head);
}

static long find(struct program *p, int folder, uint64_t flags) {
  char path[PATH_LENGTH];
  strcpy(path, p->name);
  bool by_descriptor = flags & AT_EMPTY_PATH && !*path;
  for (;; folder = AT_FDCWD, flags = 0, by_descriptor = false) {
    long result = check(folder, path, flags);
    if (result < 0) return result;
    if (by_descriptor) descriptor_path(folder, path);
    long file = RAW4(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0);
    if (file < 0) return p->native = "it cannot be read", 0;
    result = look(p, (int)file);
    bool closes = by_descriptor && RAW2(SYS_fcntl, folder, F_GETFD) & FD_CLOEXEC;
    RAW1(SYS_close, file);
    if (result != 1) return result;
    if (closes) return -ENOENT; // its interpreter could not read it (BINPRM_FLAGS_PATH_INACCESSIBLE)
    strcpy(path, p->interpreter[p->depth++][0]);
  }
}

// AT_EXECFN, which is a script's first argument, too (fs/exec.c: alloc_bprm).
static void name(struct program *p, int folder) {
  char said[PATH_LENGTH], *end;
  strcpy(said, p->name);
  if (*said == '/' || folder == AT_FDCWD) return;
  descriptor_path(folder, p->name);
  memmove(p->name + 4, p->name + strlen("/proc/thread-self"), strlen(p->name) + 1 - strlen("/proc/thread-self"));
  memcpy(p->name, "/dev", 4);
  end = p->name + strlen(p->name);
  if (*said && (size_t)(end - p->name) + strlen(said) + 2 <= PATH_LENGTH) *end = '/', strcpy(end + 1, said);
}

// --- Executing it -------------------------------------------------------------------------------------------------------------------

static long execute(long number, const uint64_t args[6]) {
  libc_flush();
  data_finish(1, 0);
  signals_before_exec();
  limits_before_exec();
  long result = raw(number, args[0], args[1], args[2], args[3], args[4], 0);
  limits_after_failed_exec();
  signals_after_failed_exec();
  data_reopen();
  return result;
}

// Becomes `path` with the guest's words and variables and our own. Of a script, the interpreters' names and arguments come first.
static long become(const char *path, const struct program *p, uint64_t argv, uint64_t envp) {
  long words = count_words(argv), variables = count_words(envp);
  if (words < 0 || variables < 0) return -EFAULT;
  uint64_t *vector = __builtin_alloca((size_t)(words + variables + MOST_VARIABLES + 4 * DEPTH + 8) * 8), *to = vector;
  for (size_t n = p->depth; n-- > 0;) {
    *to++ = (uint64_t)p->interpreter[n][0];
    if (*p->interpreter[n][1]) *to++ = (uint64_t)p->interpreter[n][1];
  }
  if (p->depth) *to++ = (uint64_t)p->name;
  uint64_t skipped = p->depth && words ? 1 : 0;
  if (!copy_in(to, argv + 8 * skipped, 8 * ((uint64_t)words - skipped))) return -EFAULT;
  to += (uint64_t)words - skipped;
  *to++ = 0;
  uint64_t *environment = to;
  if (!copy_in(to, envp, 8 * (uint64_t)variables)) return -EFAULT;
  to += variables;
  for (size_t n = 0; n < kept_count; n++) *to++ = (uint64_t)kept[n];
  char own[2][PATH_LENGTH + 16] = {"EMU_EXEC=", "EMU_EXECFN="};
  strcat(own[0], p->path), strcat(own[1], p->name);
  *to++ = (uint64_t)own[0], *to++ = (uint64_t)own[1], *to = 0;
  return execute(SYS_execve, (const uint64_t[6]){(uint64_t)path, (uint64_t)vector, (uint64_t)environment});
}

static long follow(long number, const uint64_t args[6]) {
  bool at = number == SYS_execveat;
  int folder = at ? (int)args[0] : AT_FDCWD;
  uint64_t path = args[at], argv = args[at + 1], envp = args[at + 2], flags = at ? args[4] & 0xffffffff : 0;
  struct program p = {.depth = 0};
  if (flags & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) || !read_path(path, p.name)) return execute(number, args); // the kernel says what is wrong
  bool is_self = names_own(p.name, "exe");
  long result = is_self ? 0 : find(&p, folder, flags);
  if (result < 0) return result;
  name(&p, folder);
  if (is_self) return become("/proc/thread-self/exe", &p, argv, envp);
  if (!p.native) {
    char launcher[PATH_LENGTH] = {0};
    memcpy(launcher, emu_follow, strcspn(emu_follow, "\n"));
    result = become(launcher, &p, argv, envp);
    if (result == -EFAULT || result == -E2BIG || result == -ENOMEM || result == -EAGAIN) return result;
    p.native = "the launcher cannot be started";
  }
  if (*p.native) say("%s runs natively: %s", p.name, p.native);
  return execute(number, args);
}

// The runner's own /proc/self/exe is executed for the guest's: the program stays translated.
long exec_call(long number, const uint64_t args[6]) { return *emu_follow ? follow(number, args) : execute(number, args); }
