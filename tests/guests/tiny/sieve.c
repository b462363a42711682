/* A freestanding sieve, quicksort and checksum as compilers write them: own _start, own stack, write and exit_group only. */
typedef unsigned long u64;

static unsigned char composite[1000];
static int values[200];
__attribute__((aligned(64), used)) char own_stack[65536];

static long call3(long n, long a, long b, long c)
{
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}

static void print(u64 x)
{
    char text[24], *p = text + 24;
    *--p = '\n';
    do
        *--p = (char)('0' + x % 10);
    while (x /= 10);
    call3(1, 1, (long)p, text + 24 - p);
}

__attribute__((noinline)) static void sort(int *a, int n)
{
    if (n < 2)
        return;
    int pivot = a[n / 2], i = 0, j = n - 1;
    while (i <= j) {
        while (a[i] < pivot)
            i++;
        while (a[j] > pivot)
            j--;
        if (i <= j) {
            int t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
    }
    sort(a, j + 1);
    sort(a + i, n - i);
}

__attribute__((noreturn, used)) static void run(void)
{
    int primes = 0;
    for (int i = 2; i < 1000; i++) {
        if (composite[i])
            continue;
        primes++;
        for (int j = i * i; j < 1000; j += i)
            composite[j] = 1;
    }
    print((u64)primes);
    u64 seed = 12345, sum = 0;
    for (int i = 0; i < 200; i++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        values[i] = (int)(seed >> 40);
    }
    sort(values, 200);
    for (int i = 0; i < 200; i++)
        sum = sum * 31 + (u64)values[i];
    print(sum);
    float f = 0;
    for (int i = 1; i < 30; i++)
        f += 1.0f / (float)i;
    print((u64)(f * 1000));
    call3(231, 13, 0, 0);
    __builtin_unreachable();
}

__asm__(".globl _start\n_start:\n\tmov $own_stack+65536, %rsp\n\tcall run\n");
