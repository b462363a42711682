/* fork while other threads run, allocate and hold locks: the child has the calling thread only, and may make threads again. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop, prepares, parents, children;
static void prepare(void) { prepares++; }
static void parent(void) { parents++; }
static void child(void) { children++; }

static void *busy(void *p)
{
    while (!stop) {
        char *m = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *h = malloc(1000);
        m[5] = 1, h[5] = 2;
        mprotect(m, 4096, PROT_READ);
        munmap(m, 65536), free(h);
    }
    return p;
}

static void *leaf(void *p) { return (char *)p + 1; }

static int tasks(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
    if (d) closedir(d);
    return n;
}

static int in_child(int i)
{
    pthread_t t[3];
    void *back = 0;
    int sum = tasks() == 1 && getpid() == syscall(SYS_gettid);
    for (int j = 0; j < 3; j++) pthread_create(&t[j], 0, leaf, (void *)(long)j);
    for (int j = 0; j < 3; j++) pthread_join(t[j], &back), sum += (long)back == j + 1;
    free(malloc(100000));
    return sum == 4 && children == 1 ? 40 + i % 7 : 1;
}

static void *forker(void *p)
{
    long good = 0;
    for (int i = 0; i < 25; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            int result = in_child(i);
            if (i % 3 == 0) pthread_exit(0); /* the last thread: status 0 */
            _exit(result);
        }
        waitpid(pid, &status, 0);
        good += WIFEXITED(status) && WEXITSTATUS(status) == (i % 3 == 0 ? 0 : 40 + i % 7);
    }
    return (void *)good;
}

int main(void)
{
    pthread_t t[3], f[2];
    void *good, *better;
    char *argv[] = {"true", 0}, *envp[] = {0};
    int status;
    pid_t pid;
    pthread_atfork(prepare, parent, child);
    for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, busy, 0);
    for (int i = 0; i < 2; i++) pthread_create(&f[i], 0, forker, 0);
    pthread_join(f[0], &good), pthread_join(f[1], &better);
    printf("good %ld %ld\n", (long)good, (long)better);
    for (int i = 0; i < 5; i++)
        if (posix_spawn(&pid, "/bin/true", 0, 0, argv, envp) || waitpid(pid, &status, 0) != pid || status) puts("spawn failed");
    stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
    printf("prepared %d, parents %d, tasks %d\n", prepares, parents, tasks());
    return 0;
}
