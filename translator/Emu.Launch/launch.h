// What the parts of the launcher know of each other.
#pragma once
#include <limits.h>
#include <stdbool.h>

enum { MOST = 1 << 16 }; // bytes of a question, of an answer, of a list of options

// trust.c
bool find_trusted(const char *path, char real[static PATH_MAX]);

// memo.c
struct answer {
  const char *runner;
  char **before; // of a script, the words in front of its path: its interpreter, perhaps an argument
  int count;
};
bool find_command(const char *name, char path[static PATH_MAX]);
bool question(const char *command_line, const char *guest, const char *options, char text[static MOST]);
bool find_answer(const char *asked, char text[static MOST], struct answer *answer);

// state.c
void enter_dotnet(char **words);
int start_guest(const char *how, const char *path, char **words);
char **clean_environment(void);

// follow.c
int follow(const char *guest, char **words);
