// Owns the question whether only this user, and root, can change what a path names (SECURITY.md; in C#: Running/Trust.cs).
#include "launch.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A group of one's own, with the user's number, is the user (Debian's user-private groups).
static bool others_may_write(const struct stat *is) {
  bool own_group = is->st_gid == geteuid() && is->st_gid == getegid();
  return is->st_mode & S_IWOTH || (is->st_mode & S_IWGRP && !own_group);
}

// Root is the owner of "/": in a user namespace, number 0 may be somebody else. The path without links, if the file and each folder above it belong to this user or to root and nobody else may write there. In a sticky
// folder, such as /tmp, others may make files but not rename ours.
bool find_trusted(const char *path, char real[static PATH_MAX]) {
  char at[PATH_MAX];
  struct stat root;
  if (!realpath(path, real) || stat("/", &root)) return false;
  strcpy(at, real);
  for (bool above = false;; above = true) {
    struct stat is;
    if (stat(*at ? at : "/", &is) || (is.st_uid != root.st_uid && is.st_uid != geteuid())) return false;
    if (others_may_write(&is) && !(above && is.st_mode & S_ISVTX)) return false;
    if (!*at || !at[1]) return true;
    *strrchr(at, '/') = 0;
  }
}
