// Owns what the runner believes of its surroundings (SECURITY.md).
#include "core.h"
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

// A group of one's own, with the user's number, is the user (Debian's user-private groups).
static bool others_may_write(const struct stat *is) {
  bool own_group = is->st_gid == geteuid() && is->st_gid == getegid();
  return is->st_mode & S_IWOTH || (is->st_mode & S_IWGRP && !own_group);
}

// Root is the owner of "/": in a user namespace, number 0 may be somebody else.
bool is_trusted(const char *path) {
  char at[PATH_LENGTH];
  struct stat root, runner, is;
  if (!realpath(path, at) || stat("/", &root)) return false;
  if (stat("/proc/thread-self/exe", &runner)) runner.st_uid = root.st_uid; // in a chroot there may be no /proc
  for (bool above = false;; above = true) {
    if (stat(*at ? at : "/", &is)) return false;
    if (is.st_uid != root.st_uid && is.st_uid != runner.st_uid && is.st_uid != geteuid()) return false;
    if (others_may_write(&is) && !(above && is.st_mode & S_ISVTX)) return false;
    if (!*at || !at[1]) return true;
    *strrchr(at, '/') = 0;
  }
}

// The kernel says so of a program that is set-user-id or has capabilities (AT_SECURE): its caller's variables would act with its rights.
void forget_variables_of_others(char **envp) {
  if (!getauxval(AT_SECURE)) return;
  char **to = envp;
  for (; *envp; envp++)
    if (strncmp(*envp, "EMU_", 4)) *to++ = *envp;
  *to = NULL;
}
