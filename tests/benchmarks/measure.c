/*
 * Owns measuring one run: measure STDOUT -- PROGRAM [ARGS...] starts the program with its stdout going to the file STDOUT and prints
 * "CPU-SECONDS PEAK-KIB STATUS" (user and system time of it and its children; the largest resident set among them; 128 + signal).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

_Noreturn static void become(const char *out, char **program)
{
    int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0 && dup2(fd, 1) == 1)
        execvp(program[0], program);
    perror(program[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 4 || strcmp(argv[2], "--") != 0) {
        fprintf(stderr, "usage: measure STDOUT -- PROGRAM [ARGS...]\n");
        return 2;
    }
    pid_t pid = fork();
    if (pid < 0)
        return perror("fork"), 1;
    if (pid == 0)
        become(argv[1], argv + 3);
    int status;
    struct rusage used;
    if (wait4(pid, &status, 0, &used) != pid)
        return perror("wait4"), 1;
    printf("%.4f %ld %d\n", seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
