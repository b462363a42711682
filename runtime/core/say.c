// Owns the core's messages: one line, one write to stderr, no stdio.
#include "core.h"
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

struct line {
  char text[1024];
  size_t used;
};

static void put(struct line *line, const char *text, size_t length) {
  size_t room = sizeof line->text - 1 - line->used; // one byte stays for the newline
  if (length > room) length = room;
  memcpy(line->text + line->used, text, length);
  line->used += length;
}

static void put_number(struct line *line, uint64_t value, unsigned base) {
  char digits[24];
  char *at = digits + sizeof digits;
  do *--at = "0123456789abcdef"[value % base];
  while (value /= base);
  if (base == 16) put(line, "0x", 2);
  put(line, at, (size_t)(digits + sizeof digits - at));
}

static void put_pc(struct line *line, uint64_t pc) {
  put_number(line, pc, 16);
  struct symbol symbol = symbol_of(pc);
  if (!symbol.name && !symbol.module) return;
  put(line, " (", 2);
  if (symbol.module) put(line, symbol.module, strlen(symbol.module));
  if (symbol.module && symbol.name) put(line, "!", 1);
  if (symbol.name) put(line, symbol.name, symbol.length);
  put(line, "+", 1);
  put_number(line, symbol.offset, 16);
  put(line, ")", 1);
}

static void put_format(struct line *line, const char *format, va_list args) {
  for (; *format; format++) {
    if (*format != '%') {
      put(line, format, 1);
      continue;
    }
    switch (*++format) {
    case 's': {
      const char *text = va_arg(args, const char *);
      put(line, text, strlen(text));
      break;
    }
    case 'x': put_number(line, va_arg(args, uint64_t), 16); break;
    case 'u': put_number(line, va_arg(args, uint64_t), 10); break;
    case '@': put_pc(line, va_arg(args, uint64_t)); break;
    }
  }
}

static void write_line(int file, const char *prefix, const char *format, va_list args) {
  struct line line = {.used = 0};
  put(&line, prefix, strlen(prefix));
  put_format(&line, format, args);
  line.text[line.used++] = '\n';
  RAW3(SYS_write, file, line.text, line.used);
}

static void say_line(const char *format, va_list args) { write_line(2, "emu: ", format, args); }

void say_to(int file, const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_line(file, "", format, args);
  va_end(args);
}

void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say_line(format, args);
  va_end(args);
}

void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say_line(format, args);
  va_end(args);
  for (;;) RAW1(SYS_exit_group, 1);
}
