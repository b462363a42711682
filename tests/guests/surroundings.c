/* What a process is given: argv, environment (also a big one), getopt, /proc/self/exe and cmdline, identity, limits. */
#define _GNU_SOURCE
#include "guest.h"
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static void options(int argc, char **argv)
{
    static const struct option longs[] = {{"verbose", no_argument, NULL, 'v'}, {"output", required_argument, NULL, 'o'}, {"level", optional_argument, NULL, 'l'}, {0}};
    for (int c; (c = getopt_long(argc, argv, "vo:l::q", longs, NULL)) != -1;)
        printf("option %c %s\n", c, optarg ? optarg : "-");
    for (int i = optind; i < argc; i++)
        printf("operand %s\n", argv[i]);
}

static void self(int argc, char **argv)
{
    char exe[PATH_MAX] = "", line[8192] = "";
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *real = realpath(argv[0], NULL);
    printf("exe %d %d\n", n > 0, real == NULL || strcmp(real, exe) == 0);
    free(real);
    int fd = open("/proc/self/cmdline", O_RDONLY);
    n = read(fd, line, sizeof line);
    close(fd);
    int parts = 0;
    const char *at = line;
    int same = 1;
    for (; at < line + n; at += strlen(at) + 1)
        same &= parts < argc && strcmp(at, argv[parts]) == 0, parts++;
    printf("cmdline %d %d\n", parts == argc, same);
    fd = open("/proc/self/exe", O_RDONLY);
    char magic[4] = "";
    n = read(fd, magic, 4);
    printf("magic %zd %.3s\n", n, magic + 1);
    close(fd);
    const char *name = (const char *)getauxval(AT_EXECFN);
    printf("execfn %d pagesize %lu random %d\n", name != NULL && strcmp(name, argv[0]) == 0, getauxval(AT_PAGESZ), getauxval(AT_RANDOM) != 0);
}

static void environment(void)
{
    int n = 0;
    size_t bytes = 0;
    for (char **e = environ; *e; e++)
        if (!strncmp(*e, "GUEST_", 6))
            n++, bytes += strlen(*e);
    printf("environment %d variables, %zu bytes\n", n, bytes);
    printf("GUEST_TEXT %s\n", getenv("GUEST_TEXT") ? getenv("GUEST_TEXT") : "(unset)");
    setenv("GUEST_NEW", "value", 1);
    setenv("GUEST_NEW", "other", 0);
    putenv("GUEST_PUT=put");
    printf("%s %s\n", getenv("GUEST_NEW"), getenv("GUEST_PUT"));
    unsetenv("GUEST_NEW");
    printf("%d\n", getenv("GUEST_NEW") == NULL);
    for (int i = 0; i < 2000; i++) {
        char name[32], value[200];
        snprintf(name, sizeof name, "GUEST_BIG%d", i);
        memset(value, 'a' + i % 26, 199);
        value[199] = 0;
        setenv(name, value, 1);
    }
    printf("%.5s %zu\n", getenv("GUEST_BIG1999"), strlen(getenv("GUEST_BIG1000")));
}

int main(int argc, char **argv)
{
    printf("argc %d last %s null %d\n", argc, argc > 1 ? argv[argc - 1] : "-", argv[argc] == NULL);
    self(argc, argv);
    options(argc, argv);
    environment();
    struct utsname u;
    struct rlimit limit;
    int named = uname(&u), limited = getrlimit(RLIMIT_STACK, &limit);
    printf("uname %d %s %s\n", named, u.sysname, u.machine);
    printf("rlimit %d %d\n", limited, limit.rlim_cur > 65536);
    printf("ids %d %d\n", getpid() > 1 && getppid() >= 0, getuid() == geteuid());
    printf("sysconf %ld %d\n", sysconf(_SC_PAGESIZE), sysconf(_SC_NPROCESSORS_ONLN) > 0);
    return argc;
}
