// Owns one guest for discovery tests: every shape of jump table that C compilers make, each in a function named sw_*.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

static volatile unsigned sink;
static int global_kind;

static NOINLINE unsigned sw_dense(unsigned x)
{
    switch (x) {
    case 0: return sink + 3;
    case 1: sink = 5; return 7;
    case 2: return sink * 11;
    case 3: sink ^= 9; break;
    case 4: sink += 4; return 1;
    case 5: sink -= 8; break;
    case 6: sink |= 1; return 13;
    case 9: return sink / 3;
    }
    return x + 100;
}

static NOINLINE unsigned sw_range(int x)
{
    switch (x) {
    case 100: sink += 1; break;
    case 101: sink *= 3; break;
    case 102: sink ^= 7; break;
    case 103: sink -= 5; break;
    case 104: sink <<= 1; break;
    case 105: sink >>= 1; break;
    case 106: sink |= 64; break;
    default: return 1;
    }
    return sink;
}

static NOINLINE unsigned sw_negative(signed char x)
{
    switch (x) {
    case -4: sink += 1; break;
    case -3: sink *= 3; break;
    case -2: sink ^= 7; break;
    case -1: sink -= 5; break;
    case 0: sink <<= 1; break;
    case 1: sink >>= 1; break;
    case 2: sink |= 64; break;
    }
    return sink;
}

static NOINLINE unsigned sw_mask(unsigned x)
{
    switch (x & 7) {
    case 0: sink += 1; break;
    case 1: sink *= 3; break;
    case 2: sink ^= 7; break;
    case 3: sink -= 5; break;
    case 4: sink <<= 1; break;
    case 5: sink >>= 1; break;
    case 6: sink |= 64; break;
    case 7: sink &= 0xffff; break;
    }
    return sink;
}

static NOINLINE unsigned sw_unreachable(unsigned long x)
{
    switch (x) {
    case 0: sink += 1; break;
    case 1: sink *= 3; break;
    case 2: sink ^= 7; break;
    case 3: sink -= 5; break;
    case 4: sink <<= 1; break;
    case 5: sink >>= 1; break;
    default: __builtin_unreachable();
    }
    return sink;
}

static NOINLINE unsigned sw_text(const char *text)
{
    unsigned total = 0;
    for (; *text != 0; text++)
        switch (*text) {
        case 'a': total += sink; break;
        case 'b': total *= 3; break;
        case 'c': total ^= sink; break;
        case 'd': total -= 5; break;
        case 'e': total <<= 1; break;
        case 'f': total >>= 1; break;
        case 'g': sink = total; break;
        case 'x': total += strlen(text); break;
        case 'z': return total;
        default: total++; break;
        }
    return total;
}

static NOINLINE unsigned sw_memory(void)
{
    switch (global_kind) {
    case 1: sink += 1; break;
    case 2: sink *= 3; break;
    case 3: sink ^= 7; break;
    case 4: sink -= 5; break;
    case 5: sink <<= 1; break;
    case 6: printf("six\n"); break;
    default: return 2;
    }
    return sink;
}

struct item {
    unsigned char kind, flag;
    unsigned short wide;
    long value;
};

static NOINLINE long sw_loop(const struct item *items, int count, long start)
{
    long total = start;
    for (int i = 0; i < count; i++) {
        switch (items[i].kind) {
        case 0: total += items[i].value; break;
        case 1: total -= items[i].value; break;
        case 2: total ^= items[i].value; break;
        case 3: total = (long)sw_dense((unsigned)total & 7); break;
        case 4: total |= 1; break;
        case 5: total *= 3; break;
        default: return total;
        }
        switch (items[i].wide) {
        case 20: total += 2; break;
        case 21: total ^= 5; break;
        case 22: total += (long)sink; break;
        case 23: printf("%ld\n", total); break;
        case 24: total = -total; break;
        case 25: i++; break;
        }
    }
    return total;
}

static NOINLINE long sw_goto(const unsigned char *code)
{
    static const void *const labels[] = {&&halt, &&add, &&mul, &&neg, &&loop, &&print};
    long value = 1, count = 5;
    goto *labels[*code++];
add:
    value += 7;
    goto *labels[*code++];
mul:
    value *= 3;
    goto *labels[*code++];
neg:
    value = -value;
    goto *labels[*code++];
loop:
    if (--count > 0)
        code -= 3;
    goto *labels[*code++];
print:
    printf("%ld\n", value);
    goto *labels[*code++];
halt:
    return value;
}

static NOINLINE long sw_goto_writable(const unsigned char *code)
{
    static void *labels[] = {&&halt, &&add, &&mul, &&neg};
    long value = 1;
    goto *labels[*code++];
add:
    value += 7;
    goto *labels[*code++];
mul:
    value *= 3;
    goto *labels[*code++];
neg:
    value = -value;
    labels[1] = &&mul;
    goto *labels[*code++];
halt:
    return value;
}

static NOINLINE long sw_goto_offsets(const unsigned char *code)
{
    static const int offsets[] = {&&halt - &&halt, &&add - &&halt, &&mul - &&halt, &&neg - &&halt};
    long value = 1;
    goto *(&&halt + offsets[*code++]);
add:
    value += 7;
    goto *(&&halt + offsets[*code++]);
mul:
    value *= 3;
    goto *(&&halt + offsets[*code++]);
neg:
    value = -value;
    goto *(&&halt + offsets[*code++]);
halt:
    return value;
}

static NOINLINE long one(long x) { return x + (long)sink; }
static NOINLINE long two(long x) { return x * 2 - 1; }
static NOINLINE long three(long x) { return x ^ 0x55; }

static long (*const functions[])(long) = {one, two, three};

static NOINLINE long tail(unsigned which, long x) { return functions[which % 3](x); }

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static jmp_buf place;

static NOINLINE void leave(int n) { longjmp(place, n); }

static NOINLINE int jumps(void)
{
    volatile int round = 0;
    int n = setjmp(place);
    if (n < 4) {
        round++;
        leave(n + 1);
    }
    return round;
}

int main(int argc, char **argv)
{
    (void)argv;
    sink = 17;
    unsigned long total = 0;
    for (int i = -6; i < 12; i++) {
        global_kind = i;
        total = total * 31 + sw_dense((unsigned)i) + sw_range(i + 98) + sw_negative((signed char)i) + sw_mask((unsigned)i) + sw_memory();
        total += sw_unreachable((unsigned)(i + 6) % 6) + (unsigned long)tail((unsigned)i + 6, i);
    }
    struct item items[] = {{0, 0, 20, 3}, {1, 0, 21, 4}, {2, 0, 22, 5}, {3, 0, 23, 6}, {4, 0, 24, 7}, {5, 0, 25, 8}, {0, 0, 90, 9}, {9, 0, 1, 1}};
    total += (unsigned long)sw_loop(items, 8, argc) + sw_text("abcdefgxhz");
    total += (unsigned long)sw_goto((const unsigned char[]){1, 2, 3, 1, 4, 5, 0});
    total += (unsigned long)sw_goto_writable((const unsigned char[]){1, 2, 3, 1, 0}) + (unsigned long)sw_goto_offsets((const unsigned char[]){1, 2, 3, 0});
    int numbers[] = {5, 3, 9, 1, 7};
    qsort(numbers, 5, sizeof numbers[0], compare);
    printf("%lu %d %d %.3f\n", total, numbers[2], jumps(), (double)sink / 3);
    return 0;
}
