// Code that is changed in other ways than by a store to where it runs. Argument: how.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, ALL = PROT_READ | PROT_WRITE | PROT_EXEC, SIZE = 6 };

static sigjmp_buf back;
static _Thread_local int calling;
static void on_fault(int signal)
{
    if (!calling) _exit(9);
    siglongjmp(back, signal);
}

static void put(unsigned char *at, int value) // mov eax, value; ret
{
    unsigned char code[SIZE] = {0xb8, value, value >> 8, value >> 16, value >> 24, 0xc3};
    memcpy(at, code, SIZE);
}

static int call(void *at)
{
    int signal = sigsetjmp(back, 1);
    calling = !signal;
    int result = signal ? -signal : ((int (*)(void))at)();
    calling = 0;
    return result;
}

static void show(const char *what, long value) { printf("%s %ld\n", what, value), fflush(stdout); }
static unsigned char *map(int flags, int file) { return mmap(0, PAGE, ALL, flags | (file < 0 ? MAP_ANONYMOUS : 0), file, 0); }

__attribute__((noinline, section(".text.page"), aligned(4096))) static int text(void) { return 1; }
__attribute__((noinline, section(".text.page"), aligned(4096))) static int behind(void) { return 5; }

static void take_turns(unsigned char *p, unsigned char *q)
{
    for (int i = 1; i < 50; i += 12) {
        put(p, i), show("first", call(q) * 100 + call(p));
        put(q, i + 3), show("second", call(q) * 100 + call(p));
    }
}

static void aliases(void)
{
    int file = memfd_create("code", 0);
    ftruncate(file, PAGE);
    take_turns(map(MAP_SHARED, file), map(MAP_SHARED, file));
    unsigned char *p = map(MAP_SHARED, -1);
    put(p, 77), show("alone", call(p));
    take_turns(p, mremap(p, 0, PAGE, MREMAP_MAYMOVE));
    int id = shmget(IPC_PRIVATE, PAGE, 0700 | IPC_CREAT);
    p = shmat(id, 0, SHM_EXEC);
    put(p, 78), show("alone", call(p));
    unsigned char *q = shmat(id, 0, SHM_EXEC);
    shmctl(id, IPC_RMID, 0);
    take_turns(p, q);
    shmdt(q), show("detached", call(q));
}

static void own_memory(void)
{
    unsigned char code[SIZE], *p = map(MAP_PRIVATE, -1), *q = map(MAP_SHARED, -1);
    int file = open("/proc/self/mem", O_RDWR);
    int (*volatile of_text)(void) = text;
    put(p, 1), put(q, 1);
    show("shared", call(q)), put(code, 8), show("pwrite", pwrite(file, code, SIZE, (off_t)(uintptr_t)q)), show("shared", call(q));
    mprotect(p, PAGE, PROT_READ | PROT_EXEC);
    for (int i = 2; i < 5; i++) {
        show("before", call(p)), put(code, i);
        lseek(file, (off_t)(uintptr_t)p, SEEK_SET), show("write", write(file, code, SIZE)), show("after", call(p));
    }
    show("text", of_text()), show("pwrite", pwrite(file, code, SIZE, (off_t)(uintptr_t)text)), show("text", of_text()), show("behind", behind());
}

static void files(void)
{
    char name[] = "/tmp/codeXXXXXX";
    int file = mkstemp(name), from = memfd_create("from", 0);
    unsigned char code[SIZE];
    ftruncate(file, PAGE), put(code, 1), pwrite(file, code, SIZE, 0);
    unsigned char *p = mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0), *q = mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    show("first", call(p) * 100 + call(q));
    put(code, 2), pwrite(file, code, SIZE, 0), show("pwrite", call(p) * 100 + call(q));
    put(code, 3), lseek(file, 0, SEEK_SET), write(file, code, SIZE), show("write", call(p) * 100 + call(q));
    struct iovec vector = {code, SIZE};
    put(code, 4), pwritev(file, &vector, 1, 0), show("pwritev", call(p) * 100 + call(q));
    put(code, 5), pwrite(from, code, SIZE, 0), lseek(file, 0, SEEK_SET), lseek(from, 0, SEEK_SET);
    sendfile(file, from, 0, SIZE), show("sendfile", call(p) * 100 + call(q));
    int more = open(name, O_WRONLY);
    put(code, 6), pwrite(more, code, SIZE, 0), show("another descriptor", call(p) * 100 + call(q));
    ftruncate(file, 0), ftruncate(file, PAGE), show("ftruncate", call(p));
    put(code, 7), pwrite(file, code, SIZE, 0), show("again", call(p));
    close(open(name, O_WRONLY | O_TRUNC)), ftruncate(file, PAGE), show("opened", call(p));
    unlink(name);
}

static void by_number(void)
{
    unsigned char code[SIZE], *p = map(MAP_PRIVATE, -1);
    struct iovec from = {code, SIZE}, to = {p, SIZE};
    for (int i = 1; i < 5; i++) {
        put(code, i);
        show("process_vm_writev", syscall(SYS_process_vm_writev, getpid(), &from, 1L, &to, 1L, 0L)), show("after", call(p));
    }
}

// What the kernel writes next to code, which it gives only once.
static void once(void)
{
    unsigned char *p = map(MAP_PRIVATE, -1), *out = p + 256;
    int status, ends[2], *result = (int *)out;
    struct iovec vector[2] = {{&status, 4}, {out, 8}};
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = 2};
    put(p, 9);
    show("code", call(p));
    if (!fork()) _exit(42);
    show("wait4", waitpid(-1, result, 0) > 0), show("status", WEXITSTATUS(*result)), show("code", call(p));
    socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
    write(ends[1], "0123456789", 10), show("recvmsg", recvmsg(ends[0], &message, 0)), show("text", out[5]), show("code", call(p));
    write(ends[1], "abcdefghij", 10), show("readv", readv(ends[0], vector, 2)), show("text", out[5]), show("code", call(p));
}

// Pages that go elsewhere, or lose what was in them.
static void moved(void)
{
    unsigned char *p = map(MAP_PRIVATE, -1);
    put(p, 3), show("here", call(p));
    unsigned char *q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */);
    show("there", call(q)), put(p, 4), show("here", call(p)), show("there", call(q));
    madvise(p, PAGE, MADV_DONTNEED), show("dropped", *(int *)p), put(p, 5), show("here", call(p));
}

// io_uring: the kernel writes whenever it likes (include/uapi/linux/io_uring.h).
static void uring(void)
{
    struct {
        uint32_t sq_entries, cq_entries, flags, cpu, idle, features, queue, zero[3];
        struct { uint32_t head, tail, mask, entries, flags, dropped, array, more; uint64_t address; } sq;
        struct { uint32_t head, tail, mask, entries, overflow, cqes, flags, more; uint64_t address; } cq;
    } how = {0};
    struct entry { uint8_t opcode, flags; uint16_t priority; int32_t file; uint64_t offset, address; uint32_t size, more; uint64_t rest[4]; };
    unsigned char code[SIZE], *p = map(MAP_PRIVATE, -1);
    put(p, 1), show("first", call(p));
    int ring = (int)syscall(425, 4, &how), file = memfd_create("from", 0);
    if (ring < 0) return show("second", 2);
    char *sq = mmap(0, PAGE, 3, MAP_SHARED, ring, 0);
    struct entry *entry = mmap(0, PAGE, 3, MAP_SHARED, ring, 0x10000000);
    put(code, 2), pwrite(file, code, SIZE, 0);
    *entry = (struct entry){.opcode = 22 /* IORING_OP_READ */, .file = file, .address = (uint64_t)p, .size = SIZE};
    *(uint32_t *)(sq + how.sq.array) = 0;
    __atomic_fetch_add((uint32_t *)(sq + how.sq.tail), 1, __ATOMIC_SEQ_CST);
    syscall(426, ring, 1, 1, 1, 0, 0);
    show("second", call(p));
}

// More executable mappings than most programs have.
static void spans(void)
{
    long sum = 0;
    for (int i = 0; i < 5000; i++) {
        unsigned char *p = mmap(0, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(p, PAGE, ALL), put(p, i), mprotect(p, PAGE, PROT_READ | PROT_EXEC);
        if (i % 500 == 0) sum += call(p);
    }
    show("sum", sum);
}

// Threads store to pages of code while another one changes their protection: all that they do is permitted at every moment.
static unsigned char *racing;
static volatile int over;

static void *writer(void *number)
{
    unsigned char *mine = racing + 64 * (long)number;
    for (unsigned i = 0; !over; i++) *(volatile unsigned char *)mine = (unsigned char)i;
    return 0;
}

static void *protector(void *nothing)
{
    for (unsigned i = 0; !over; i++) mprotect(racing, PAGE, i % 4 ? ALL : PROT_READ | PROT_WRITE), mprotect(racing, PAGE, ALL);
    return nothing;
}

static void race(void)
{
    pthread_t threads[3];
    racing = map(MAP_PRIVATE, -1);
    put(racing, 6);
    for (long i = 0; i < 3; i++) pthread_create(&threads[i], 0, i ? writer : protector, (void *)i);
    int right = 0;
    for (int i = 0; i < 300; i++) {
        int got = call(racing); // it may not be executable at this moment
        right += got == 6 || got == -SIGSEGV;
    }
    over = 1;
    for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
    show("right", right);
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*run)(void); } ways[] = {
        {"aliases", aliases}, {"memory", own_memory}, {"files", files}, {"number", by_number}, {"once", once}, {"moved", moved}, {"uring", uring}, {"spans", spans}, {"race", race}};
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, 0), sigaction(SIGBUS, &action, 0), sigaction(SIGILL, &action, 0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(argv[1], ways[i].name)) ways[i].run();
}
