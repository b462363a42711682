// The launcher, a static program between ./emu and .NET; it has three ways to be called:
//   launch COUNT VARIABLE... DOTNET EMU.DLL WORD...   by ./emu: COUNT variables are the user's environment. `emu run -- GUEST ARGS` of a guest
//                                                     that was translated becomes its runner at once, in a millisecond (.NET needs fifty to
//                                                     start). Everything else becomes the command line, with the question in EMU_ASKED: the
//                                                     answer that it leaves (Running/Memo.cs) is found here the next time.
//   launch start HOW PATH WORD...                     by the command line (Running/Launch.cs): becomes PATH, as the user started emu
//   launch WORD... with EMU_EXEC and EMU_FOLLOW       by a runner: a program that its guest executes (follow.c)
#include "launch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { BEFORE_GUEST = 4 }; // DOTNET EMU.DLL run --

// Returns if the guest must be looked at by the command line.
static void become_runner(char **words, char **guest, int count) {
  static char asked[MOST], text[MOST], found[PATH_MAX];
  struct answer answer;
  if (!question(words[1], *guest, "", asked)) return;
  setenv("EMU_ASKED", asked, 1);
  if (!find_answer(asked, text, &answer) || !find_command(*guest, found)) return;
  char **all = calloc((size_t)(answer.count + count) + 1, sizeof *all);
  memcpy(all, answer.before, (size_t)answer.count * sizeof *all);
  memcpy(all + answer.count, guest, (size_t)count * sizeof *all);
  if (answer.count) all[answer.count] = found;
  unsetenv("EMU_ASKED");
  setenv("EMU_EXECFN", found, 1);
  execv(answer.runner, all);
}

static int launch(int variables, int count, char **words) {
  char **rest = words + variables;
  int left = count - variables;
  environ = calloc((size_t)variables + 1, sizeof *environ);
  memcpy(environ, words, (size_t)variables * sizeof *environ);
  unsetenv("EMU_ASKED"), unsetenv("EMU_START");
  if (left > BEFORE_GUEST && !strcmp(rest[2], "run") && !strcmp(rest[3], "--")) become_runner(rest, rest + BEFORE_GUEST, left - BEFORE_GUEST);
  enter_dotnet(rest);
  return 1;
}

int main(int count, char **words) {
  if (getenv("EMU_EXEC") && getenv("EMU_FOLLOW")) return follow(getenv("EMU_EXEC"), words);
  if (count > 4 && !strcmp(words[1], "start")) return start_guest(words[2], words[3], words + 4);
  int variables = count > 1 ? atoi(words[1]) : -1;
  if (variables < 0 || variables + 4 > count) return fputs("launch: ./emu starts this\n", stderr), 2;
  return launch(variables, count - 2, words + 2);
}
