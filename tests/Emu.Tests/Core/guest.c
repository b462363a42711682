// The guest of the runtime core's tests: no libc, one act per run, named by its first argument; exits with 42. What it prints must be
// what it prints natively, unless the act says otherwise.
typedef unsigned long u64;

static long call(long number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  long result;
  register u64 r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
#define CALL(n, a, b, c) call(n, (u64)(a), (u64)(b), (u64)(c), 0, 0, 0)

static long length(const char *s) {
  long n = 0;
  while (s[n]) n++;
  return n;
}

static void say(const char *s) { CALL(1, 1, s, length(s)); }

static void number(const char *name, long value) {
  char text[24], *at = text + sizeof text;
  u64 v = value < 0 ? -(u64)value : (u64)value;
  *--at = 0, *--at = '\n';
  do *--at = (char)('0' + v % 10);
  while (v /= 10);
  if (value < 0) *--at = '-';
  *--at = ' ';
  say(name), say(at);
}

static u64 parse(const char *s) {
  u64 n = 0;
  while (*s) n = n * 10 + (u64)(*s++ - '0');
  return n;
}

static char **argv, **envp;
static u64 *auxv;

static void stack(void) {
  number("aligned", (long)(argv - 1) & 15);
  number("argc", (long)((u64 *)argv)[-1]);
  for (char **a = argv + 1; *a; a++) say(*a), say("\n");
  for (char **e = envp; *e; e++) say(*e), say("\n");
  for (u64 *a = auxv; *a; a += 2) {
    u64 kind = a[0]; // PHDR PHENT PHNUM PAGESZ ENTRY UID SECURE
    if (kind == 3 || kind == 4 || kind == 5 || kind == 6 || kind == 9 || kind == 11 || kind == 23) number("auxv", (long)kind), number(" ", (long)a[1]);
    if (kind == 31) say((char *)a[1]), say("\n"); // EXECFN
  }
}

static void count(void) {
  long n = 0, bytes = 0;
  for (char **a = argv + 1; *a; a++) n++, bytes += length(*a);
  number("words", n), number("bytes", bytes);
  for (n = bytes = 0; envp[n]; n++) bytes += length(envp[n]);
  number("variables", n), number("bytes", bytes);
}

static char zeroes[100000], data[] = "data";

static void image(void) {
  long sum = 0;
  for (int n = 0; n < 100000; n++) sum += zeroes[n];
  number("bss", sum), say(data), say("\n");
  zeroes[90000] = 1, data[0] = 'D';
  say(data), say("\n");
}

static void memory(void) {
  long start = CALL(12, 0, 0, 0);
  number("grow", CALL(12, start + 100000, 0, 0) - start);
  for (long n = 0; n < 100000; n++) ((char *)start)[n] = 1;
  number("shrink", CALL(12, start + 10, 0, 0) - start);
  number("regrow", CALL(12, start + 100000, 0, 0) - start);
  number("zero", ((char *)start)[50000]);
  number("below", CALL(12, 1, 0, 0) - start);
  long at = call(9, 0, 8192, 7, 0x22, (u64)-1, 0);
  *(char *)at = 1;
  number("mprotect", CALL(10, at, 4096, 1)), number("readable", *(char *)at), number("munmap", CALL(11, at, 8192, 0));
  number("fixed", call(9, 0x7000000, 4096, 3, 0x32, (u64)-1, 0));
  number("taken", call(9, 0x7000000, 4096, 3, 0x100022, (u64)-1, 0)); // MAP_FIXED_NOREPLACE
  number("misaligned", CALL(11, 0x7000001, 4096, 0));
}

// Natively there is no runner at 0x60000000.
static void runner(void) {
  number("over", call(9, 0x60000000, 4096, 3, 0x32, (u64)-1, 0));
  number("unmap", CALL(11, 0x50000000, 0x20000000, 0));
  number("mprotect", CALL(10, 0x60000000, 4096, 0));
}

static void files(void) {
  char text[200] = {0};
  number("readlink", CALL(89, "/proc/self/exe", text, 199)), say(text), say("\n");
  number("short", call(267, (u64)-100, (u64) "/proc/thread-self/exe", (u64)text, 3, 0, 0));
  number("bad", CALL(89, "/proc/self/exe", 16, 99)), number("zero", CALL(89, "/proc/self/exe", text, 0)), number("path", CALL(89, 16, text, 99));
  number("fault", CALL(1, 1, 16, 4)), number("clock", CALL(228, 1, text, 0)), number("clock fault", CALL(228, 0, 16, 0));
  number("clock invalid", CALL(228, 99, text, 0)), number("nothing", CALL(4000, 0, 0, 0));
  long fd = CALL(2, "/proc/self/exe", 0, 0);
  number("fd", fd), number("read", CALL(0, fd, text, 4)), say(text + 1), number("close", CALL(3, fd, 0, 0)), number("range", CALL(436, 3, -1, 0));
}

static void tls(void) {
  u64 value = 0, here[2] = {42, 43}, seen;
  number("set", CALL(158, 0x1002, here, 0)), number("get", CALL(158, 0x1003, &value, 0)), number("same", value == (u64)here);
  __asm__("mov %%fs:8, %0" : "=r"(seen));
  number("through fs", (long)seen), number("high", CALL(158, 0x1002, -1, 0));
}

static void children(void) {
  int status = 0;
  long child = CALL(57, 0, 0, 0);
  if (!child) say("child\n"), CALL(231, 7, 0, 0);
  call(61, (u64)child, (u64)&status, 0, 0, 0, 0);
  number("status", status);
  char *words[] = {"echo", "executed", 0};
  number("nowhere", CALL(59, "/nowhere", words, envp));
  CALL(59, "/bin/echo", words, envp);
}

static void actions(void) {
  u64 a[4] = {1, 0x04000000, 5, 6}, b[4] = {0};
  number("set", call(13, 10, (u64)a, (u64)b, 8, 0, 0)), number("before", (long)b[0]);
  number("get", call(13, 10, 0, (u64)b, 8, 0, 0)), number("same", a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3]);
  number("kill", call(13, 9, (u64)a, 0, 8, 0, 0)), number("size", call(13, 10, (u64)a, 0, 4, 0, 0)), number("fault", call(13, 10, 16, 0, 8, 0, 0));
  number("ignored", CALL(62, CALL(39, 0, 0, 0), 10, 0)), number("ignore segv", call(13, 11, (u64)a, 0, 8, 0, 0)), number("sent", CALL(62, CALL(39, 0, 0, 0), 11, 0));
}

static void die(void) { CALL(62, CALL(39, 0, 0, 0), parse(argv[2]), 0); }

static volatile u64 sum;

// Loads and stores more than one chunk of records, then ends as argv[2] says: a signal to send to itself, or 0.
static void work(void) {
  for (u64 n = 0; n < 100000; n++) sum += n;
  if (parse(argv[2])) die();
}

// Counts in a register, together with argv[2] children.
static void family(void) {
  long children = (long)parse(argv[2]), child = 1;
  for (long n = 0; n < children && child; n++) child = CALL(57, 0, 0, 0);
  for (u64 n = 0; n < 5000000; n++) __asm__ volatile("");
  for (long n = 0; n < children && child; n++) call(61, (u64)-1, 0, 0, 0, 0, 0);
}

extern char fault_here[], divide_here[], trap_here[], deep_here[], inside[];
__asm__(".macro act name, code:vararg\n .type \\name, @function\n \\name: \\code\n .size \\name, . - \\name\n .endm\n"
        "act fault_here, mov 16, %rax\n"
        "act divide_here, div %ecx\n"
        "act trap_here, ud2\n"
        "act deep_here, call deep_here\n"
        "act inside, mov %rax, %rax\n ret\n");

static void jump(u64 to) { ((void (*)(void))to)(); }
static void faults(void) { jump((u64)fault_here); }
static void divides(void) {
  __asm__ volatile("xor %%ecx, %%ecx\n jmp divide_here" ::: "rcx");
}
static void traps(void) { jump((u64)trap_here); }
static void deep(void) { jump((u64)deep_here); }
static void untranslated(void) { jump((u64)inside + parse(argv[2])); }
static void null(void) { jump(parse(argv[2])); }

__attribute__((used)) static void begin(u64 *sp) {
  static const struct {
    const char *name;
    void (*run)(void);
  } acts[] = {{"stack", stack}, {"count", count}, {"image", image}, {"memory", memory}, {"runner", runner}, {"files", files}, {"tls", tls}, {"children", children},
              {"actions", actions}, {"die", die}, {"work", work}, {"fault", faults}, {"divide", divides}, {"trap", traps}, {"deep", deep},
              {"untranslated", untranslated}, {"null", null}, {"family", family}};
  argv = (char **)(sp + 1), envp = argv + sp[0] + 1;
  char **e = envp;
  while (*e) e++;
  auxv = (u64 *)(e + 1);
  for (unsigned n = 0; argv[1] && n < sizeof acts / sizeof *acts; n++) {
    const char *a = argv[1], *b = acts[n].name;
    while (*a && *a == *b) a++, b++;
    if (*a == *b) acts[n].run();
  }
  CALL(231, 42, 0, 0);
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n hlt");
