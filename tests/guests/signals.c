/* Signals a process sends to itself: actions, masks, the frame, alternate stacks, interrupted calls, the sigwait family, jumps out. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>


static volatile sig_atomic_t seen[65], depth, deepest;

static void count(int s) { seen[s]++; }

static void on(int s, void (*h)(int), int flags)
{
    struct sigaction a = {.sa_handler = h, .sa_flags = flags};
    sigemptyset(&a.sa_mask);
    sigaction(s, &a, 0);
}

/* raise: the handler has run when it returns; value and sender in siginfo. */
static int payload;
static void info(int s, siginfo_t *i, void *c)
{
    ucontext_t *u = c;
    payload = i->si_value.sival_int;
    printf("info %d code %d mine %d value %d, mask has it: %d, stack %d, fp %d\n", s, i->si_code, i->si_pid == getpid(), payload,
           sigismember(&u->uc_sigmask, s), u->uc_stack.ss_flags, u->uc_mcontext.fpregs != 0);
}
static void actions(void)
{
    on(SIGUSR1, count, 0);
    raise(SIGUSR1), kill(getpid(), SIGUSR1);
    struct sigaction a = {.sa_sigaction = info, .sa_flags = SA_SIGINFO}, old;
    sigaction(SIGUSR2, &a, 0);
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 4711});
    sigaction(SIGUSR2, 0, &old);
    printf("usr1 %d, action back %d\n", seen[SIGUSR1], old.sa_sigaction == info && old.sa_flags & SA_SIGINFO);
    on(SIGUSR1, count, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, 0, &old);
    printf("reset %d %d\n", seen[SIGUSR1], old.sa_handler == SIG_DFL);
    on(SIGUSR1, SIG_IGN, 0);
    raise(SIGUSR1);
}

/* Blocked, pending, unblocked: in order of number, real-time ones as often as sent. */
static int order[16], orders;
static void note(int s) { order[orders++] = s; }
static void masks(void)
{
    sigset_t set, old, pend;
    int s[] = {SIGUSR2, SIGUSR1, SIGRTMIN + 2, SIGRTMIN + 1, SIGRTMIN + 1};
    sigemptyset(&set);
    for (int i = 0; i < 5; i++) on(s[i], note, 0), sigaddset(&set, s[i]);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int i = 0; i < 5; i++) raise(s[i]);
    raise(SIGUSR1);
    sigpending(&pend);
    printf("pending %d %d %d, ran %d\n", sigismember(&pend, SIGUSR1), sigismember(&pend, SIGRTMIN + 1), sigismember(&pend, SIGHUP), orders);
    sigprocmask(SIG_SETMASK, &old, 0);
    printf("order");
    for (int i = 0; i < orders; i++) printf(" %d", order[i] < 32 ? order[i] : order[i] - SIGRTMIN + 100);
    printf("\n");
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, 0);
    sigprocmask(SIG_SETMASK, 0, &set);
    printf("full has segv %d kill %d\n", sigismember(&set, SIGSEGV), sigismember(&set, SIGKILL));
    sigprocmask(SIG_SETMASK, &old, 0);
}

/* Handlers in handlers: without SA_NODEFER the second waits for the first to end. */
static void nest(int s)
{
    if (++depth > deepest) deepest = depth;
    if (++seen[s] < 5) raise(s);
    depth--;
}
static void nested(void)
{
    seen[SIGHUP] = 0;
    on(SIGHUP, nest, 0), raise(SIGHUP);
    printf("deferred %d deep, %d times\n", deepest, seen[SIGHUP]);
    seen[SIGHUP] = deepest = 0;
    on(SIGHUP, nest, SA_NODEFER), raise(SIGHUP);
    printf("nodefer %d deep, %d times\n", deepest, seen[SIGHUP]);
}

static char stack[64 << 10];
static void where(int s)
{
    char here;
    stack_t now;
    sigaltstack(0, &now);
    printf("on the stack %d, says %d, can change it %d\n", &here > stack && &here < stack + sizeof stack, now.ss_flags & SS_ONSTACK,
           sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, 0) == 0);
}
static void stacks(void)
{
    stack_t s = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&s, 0);
    on(SIGURG, where, SA_ONSTACK), raise(SIGURG);
    s.ss_flags = SS_DISABLE;
    sigaltstack(&s, 0);
    on(SIGURG, where, SA_ONSTACK), raise(SIGURG);
    s.ss_flags = 0, s.ss_size = 100;
    int r = sigaltstack(&s, 0);
    printf("small %d\n", r ? errno : 0);
}

/* Registers survive a handler that uses all it can, and the context is the interrupted one's. */
static volatile double dirty;
static uint64_t registers(void);
static void trash(int s, siginfo_t *i, void *c)
{
    ucontext_t *u = c;
    for (int n = 0; n < 50; n++) dirty = dirty * 1.5 + n / 3.0;
    payload = (int)u->uc_mcontext.gregs[REG_RBX];
    u->uc_mcontext.gregs[REG_R12] += 5;
}
static uint64_t registers(void)
{
    uint64_t x = 1, y = 0;
    __asm__ volatile("mov $0x11223344, %%rbx; mov $100, %%r12; mov $7, %%r13; movq %%r13, %%xmm5; fldpi; stc\n"
                     "mov $62, %%eax; syscall; setc %%dl; fstp %%st(0); movq %%xmm5, %%r14; lea (%%r12,%%r13), %0; add %%r14, %0; movzbl %%dl, %%edx; mov %%rdx, %1"
                     : "=&a"(x), "=&c"(y) : "D"((long)getpid()), "S"((long)SIGCONT) : "rbx", "r12", "r13", "r14", "rdx", "r11", "xmm5", "memory", "cc");
    return x * 10 + y;
}
static void context(void)
{
    struct sigaction a = {.sa_sigaction = trash, .sa_flags = SA_SIGINFO};
    sigaction(SIGCONT, &a, 0);
    uint64_t r = registers();
    printf("registers %llu, rbx %x\n", (unsigned long long)r, payload);
}

/* Interrupted calls. */
/* Again and again: one that comes before the call is none that is waited for. */
static void after(int ms) { setitimer(ITIMER_REAL, &(struct itimerval){{0, ms * 1000}, {0, ms * 1000}}, 0); }
static void calls(void)
{
    int p[2];
    char b[4];
    struct timespec t = {5, 0}, rest;
    pipe(p);
    on(SIGALRM, count, 0);
    after(20);
    int r = read(p[0], b, 1);
    printf("read %d %d\n", r, errno);
    after(20);
    r = nanosleep(&t, &rest);
    printf("sleep %d %d, rest %d\n", r, errno, rest.tv_sec < 5);
    on(SIGALRM, count, SA_RESTART);
    after(20);
    r = poll(&(struct pollfd){p[0], POLLIN}, 1, 5000);
    printf("poll %d %d\n", r, errno);
    pid_t child = fork();
    if (!child) {
        usleep(60000);
        write(p[1], "xy", 2);
        _exit(0);
    }
    after(20);
    r = read(p[0], b, 2);
    printf("restarted read %d, alarms %d\n", r, seen[SIGALRM] > 3);
    int status;
    after(20);
    r = waitpid(child, &status, 0);
    printf("wait %d %d\n", r == child, status);
    while (seen[SIGALRM] < 9) pause();
    after(0);
}

static void waits(void)
{
    sigset_t set, none, old;
    siginfo_t i;
    int s;
    sigemptyset(&none), sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGALRM);
    on(SIGUSR1, count, 0), on(SIGALRM, count, 0);
    seen[SIGUSR1] = seen[SIGALRM] = 0;
    sigprocmask(SIG_BLOCK, &set, &old);
    after(10);
    sigsuspend(&none);
    after(0);
    printf("suspended %d, alarms %d\n", errno, seen[SIGALRM] > 0);
    raise(SIGUSR1);
    sigwait(&set, &s);
    raise(SIGUSR1);
    sigwaitinfo(&set, &i);
    printf("waited %d %d, ran %d\n", s, i.si_code, seen[SIGUSR1]);
    struct timespec t = {0, 10000000};
    s = sigtimedwait(&set, 0, &t);
    printf("timed %d %d\n", s, errno);
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo f;
    raise(SIGUSR1);
    s = read(fd, &f, sizeof f);
    printf("fd %d %d\n", s == sizeof f, f.ssi_signo);
    after(10);
    seen[SIGALRM] = 0;
    s = ppoll(0, 0, &(struct timespec){5}, &none);
    int e = errno;
    after(0);
    printf("ppoll %d %d, alarms %d\n", s, e, seen[SIGALRM] > 0);
    sigprocmask(SIG_SETMASK, &old, 0);
}

/* A timer into a loop without calls. */
static volatile int stop;
static void halt(int s) { stop = 1; }
static sigjmp_buf back;
static void leap(int s) { siglongjmp(back, s); }
static void loops(void)
{
    on(SIGALRM, halt, 0);
    after(30);
    uint64_t n = 0;
    while (!stop) n++;
    after(0);
    printf("stopped %d\n", n > 0);
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    actions(), masks(), nested(), stacks(), context(), calls(), waits(), loops();
    on(SIGTERM, SIG_DFL, 0);
    pid_t child = fork();
    if (!child) {
        kill(getpid(), SIGTERM);
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    printf("child %x\n", status);
    // Out of handlers, more often than host frames could pile up.
    on(SIGUSR2, leap, 0);
    volatile int times = 0;
    int s = sigsetjmp(back, 1);
    if (s) times++;
    if (times < 2000) raise(SIGUSR2);
    sigset_t set;
    sigprocmask(0, 0, &set);
    printf("leapt %d times, blocked %d\n", times, sigismember(&set, SIGUSR2));
    exit(21);
}
