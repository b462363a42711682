/* Odd instructions by inline assembly: xlat, enter/leave, loop, jrcxz, high bytes, bit strings, double shifts, cmpxchg, xadd, cpuid, rdtsc. */
#include "guest.h"
#include <stdio.h>
#include <string.h>

#define NO __attribute__((noinline))
static unsigned char table[256];
static uint64_t map[32];

NO static int xlat(int i)
{
    uint64_t rax = 0xabcd00 | (unsigned)i;
    __asm__("xlatb" : "+a"(rax) : "b"(table), "m"(table));
    return (int)rax;
}

NO static long frames(long x)
{
    long r;
    __asm__ volatile("sub $128, %%rsp\n\tenter $32, $0\n\tmov %1, -8(%%rbp)\n\tenter $16, $1\n\tmov %1, -16(%%rbp)\n\tmov -16(%%rbp), %0\n\tleave\n\tadd -8(%%rbp), %0\n\tleave\n\tadd $128, %%rsp"
                     : "=&r"(r) : "r"(x) : "memory", "cc");
    return r;
}

NO static long loops(long n)
{
    long sum = 0, turns = n;
    __asm__ volatile("jrcxz 2f\n1:\tadd %%rcx, %0\n\tloop 1b\n2:" : "+r"(sum), "+c"(turns) : : "cc");
    long a = 0, count = n;
    __asm__ volatile("1:\tinc %0\n\tcmp $5, %0\n\tloopne 1b" : "+r"(a), "+c"(count) : : "cc");
    long b = 0, left = n;
    __asm__ volatile("1:\tinc %0\n\ttest $1, %%cl\n\tloope 1b" : "+r"(b), "+c"(left) : : "cc");
    return sum * 10000 + a * 100 + b + count + left * 7 + turns;
}

NO static uint64_t high_bytes(uint64_t x, uint64_t y)
{
    uint64_t a = x, b = y, c = x ^ y, d = x + y;
    __asm__("addb %%ah, %%bl\n\tmovb %%bh, %%ch\n\txorb %%dh, %%dl\n\tsubb %%cl, %%ah\n\txchgb %%dh, %%al\n\tmovzbl %%bh, %%ecx\n\tsarb $3, %%dh\n\tnegb %%bh\n\tincb %%ah\n\tmovsbq %%dl, %%rcx"
            : "+a"(a), "+b"(b), "+c"(c), "+d"(d) : : "cc");
    return a * 3 + b * 5 + c * 7 + d * 11;
}

NO static uint64_t mul_div8(unsigned a, unsigned b)
{
    uint16_t ax = (uint16_t)a;
    __asm__("mulb %b1" : "+a"(ax) : "q"(b) : "cc");
    uint16_t q = ax;
    __asm__("divb %b1" : "+a"(q) : "q"(b | 0x80) : "cc");
    int16_t s = (int16_t)(int8_t)a;
    __asm__("imulb %b1" : "+a"(s) : "q"(b) : "cc");
    int16_t i = (int16_t)(int8_t)a;
    __asm__("idivb %b1" : "+a"(i) : "q"((b & 0x3f) | 3) : "cc");
    return (uint64_t)ax << 48 | (uint64_t)q << 32 | (uint64_t)(uint16_t)s << 16 | (uint16_t)i;
}

NO static uint64_t bit_strings(long bit)
{
    unsigned char c[6];
    uint64_t *m = map + 16;
    __asm__ volatile("btq %[n], %[m]\n\tsetc %[c]" : [c] "=q"(c[0]) : [n] "r"(bit), [m] "m"(*m) : "cc", "memory");
    __asm__ volatile("btsl %[n], %[m]\n\tsetc %[c]" : [c] "=q"(c[1]), [m] "+m"(*m) : [n] "r"((int)(bit * 3 % 1000)) : "cc", "memory");
    __asm__ volatile("btrw %[n], %[m]\n\tsetc %[c]" : [c] "=q"(c[2]), [m] "+m"(*m) : [n] "r"((short)(bit * 5 % 1000)) : "cc", "memory");
    __asm__ volatile("btcq %[n], %[m]\n\tsetc %[c]" : [c] "=q"(c[3]), [m] "+m"(*m) : [n] "r"(bit * 7 % 1000) : "cc", "memory");
    uint64_t reg = map[3] ^ (uint64_t)bit;
    __asm__("btcq $77, %[r]\n\tsetc %[c]\n\tbtsl $13, %k[r]" : [c] "=q"(c[4]), [r] "+r"(reg) : : "cc");
    __asm__("btq %[n], %[r]\n\tsetc %[c]" : [c] "=q"(c[5]) : [r] "r"(reg), [n] "r"(bit) : "cc");
    return hash(reg, c, sizeof c);
}

NO static uint64_t double_shifts(uint64_t a, uint64_t b, int n)
{
    uint64_t r = a;
    uint32_t e = (uint32_t)a;
    __asm__("shldq %%cl, %2, %0\n\tshrdl $7, %k2, %1" : "+r"(r), "+r"(e) : "r"(b), "c"(n) : "cc");
    __asm__("shrdq %%cl, %2, %0\n\tshldl %%cl, %k2, %1" : "+r"(r), "+r"(e) : "r"(b), "c"(n) : "cc");
    uint16_t w = (uint16_t)a;
    __asm__("shldw $5, %w1, %0" : "+r"(w) : "r"(b) : "cc");
    return r ^ (uint64_t)e << 16 ^ w;
}

NO static uint64_t exchanges(uint64_t x)
{
    static uint64_t cell = 5, pair = 0x0000000200000001;
    uint64_t rax = x & 1 ? cell : x, add = x, swap = x >> 3;
    unsigned char z1, z2;
    __asm__ volatile("cmpxchgq %[new], %[m]\n\tsetz %[z]" : [m] "+m"(cell), "+a"(rax), [z] "=q"(z1) : [new] "r"(x * 3) : "cc", "memory");
    __asm__ volatile("xaddq %0, %1" : "+r"(add), "+m"(cell) : : "cc", "memory");
    __asm__ volatile("xaddb %b0, %1" : "+q"(add), "+m"(cell) : : "cc", "memory");
    __asm__ volatile("xchgl %k0, %1" : "+r"(swap), "+m"(cell) : : "memory");
    uint32_t eax = (uint32_t)(x & 2 ? pair : x), edx = (uint32_t)(pair >> 32);
    __asm__ volatile("cmpxchg8b %[m]\n\tsetz %[z]" : [m] "+m"(pair), "+a"(eax), "+d"(edx), [z] "=q"(z2) : "b"((uint32_t)x), "c"(7) : "cc", "memory");
    return rax + add * 3 + swap * 5 + cell * 7 + pair * 11 + z1 + z2 * 2u + eax + (uint64_t)edx;
}

/* glibc's locks: one thread jumps over the lock prefix, into the middle of an instruction. Both ways meet behind it. */
NO static long overlap(long old, long new, int single)
{
    static long cell = 4;
    long seen = old;
    __asm__ volatile("test %3, %3\n\tje 1f\n\tlock\n1:\tcmpxchg %2, %1\n\tlea (%0,%0), %0" : "+a"(seen), "+m"(cell) : "r"(new), "r"(single) : "cc");
    return seen + cell;
}

int main(void)
{
    uint64_t h = 1;
    for (int i = 0; i < 256; i++)
        table[i] = (unsigned char)(255 - i * 3);
    for (int i = 0; i < 32; i++)
        map[i] = rng();
    printf("overlap %ld %ld %ld\n", overlap(4, 9, 0), overlap(9, 11, 1), overlap(9, 12, 1));
    printf("xlat %x %x\n", xlat(5), xlat(255));
    printf("frames %ld\n", frames(21));
    printf("loops %ld %ld %ld\n", loops(10), loops(3), loops(8));
    for (long i = -1000; i < 1000; i++) {
        uint64_t x = rng(), y = rng(), v[] = {high_bytes(x, y), mul_div8((unsigned)(x & 0x7f), (unsigned)(y & 255)), bit_strings(i), double_shifts(x, y, (int)(x & 63)), exchanges(x)};
        if (((int)x & 31) == 0)
            v[3] = 0;
        h = hash(h, v, sizeof v);
    }
    printf("all %016llx map %016llx\n", (unsigned long long)h, (unsigned long long)hash(1, map, sizeof map));
    unsigned a = 0, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    printf("cpuid %d\n", a >= 1 && b != 0 && c != 0 && d != 0);
    int backwards = 0;
    uint64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        uint32_t low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        uint64_t now = (uint64_t)high << 32 | low;
        backwards += now < last;
        last = now;
    }
    printf("tsc %d %d\n", backwards, last > 0);
    return (int)(h & 127);
}
