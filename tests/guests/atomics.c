/* Atomic builtins of every width and operation: their locked instructions, results and flags. */
#include "guest.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#define WIDTH(NAME, T)                                                                                                                      \
    __attribute__((noinline)) static uint64_t NAME(void)                                                                                    \
    {                                                                                                                                       \
        static T cell[3] = {0, 5, 0};                                                                                                       \
        T *p = &cell[1];                                                                                                                    \
        uint64_t h = 1;                                                                                                                     \
        for (int i = 0; i < 1000; i++) {                                                                                                    \
            T v = (T)rng(), old[16];                                                                                                        \
            int n = 0;                                                                                                                      \
            old[n++] = __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                                                          \
            old[n++] = __atomic_sub_fetch(p, (T)(v >> 1), __ATOMIC_ACQ_REL);                                                                \
            old[n++] = __atomic_fetch_or(p, (T)(v & 0x11), __ATOMIC_RELAXED);                                                               \
            old[n++] = __atomic_fetch_and(p, (T)(v | 0x3c), __ATOMIC_SEQ_CST);                                                              \
            old[n++] = __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                                                          \
            old[n++] = __atomic_fetch_nand(p, v, __ATOMIC_SEQ_CST);                                                                         \
            old[n++] = __atomic_exchange_n(p, (T)(v * 3), __ATOMIC_SEQ_CST);                                                                \
            T expected = (i & 1) ? (T)(v * 3) : (T)(v * 3 + 1);                                                                             \
            old[n++] = (T)__atomic_compare_exchange_n(p, &expected, (T)(v ^ 7), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                 \
            old[n++] = expected;                                                                                                            \
            old[n++] = __sync_val_compare_and_swap(p, (T)(v ^ 7), (T)i);                                                                    \
            __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);                                                                                     \
            if (__atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST) == 0)                                                                            \
                old[n++] = 77;                                                                                                              \
            if (__atomic_add_fetch(p, v, __ATOMIC_SEQ_CST) == 0)                                                                            \
                old[n++] = 78;                                                                                                              \
            __atomic_store_n(p, (T)(*p + 1), __ATOMIC_SEQ_CST);                                                                             \
            old[n++] = __atomic_load_n(p, __ATOMIC_ACQUIRE);                                                                                \
            h = hash(h, old, (size_t)n * sizeof(T));                                                                                        \
        }                                                                                                                                   \
        return hash(h, cell, sizeof cell);                                                                                                  \
    }

WIDTH(bytes, uint8_t)
WIDTH(words, uint16_t)
WIDTH(ints, uint32_t)
WIDTH(longs, uint64_t)

static uint64_t bits_by_lock(void)
{
    static uint64_t map[16];
    uint64_t h = 1;
    for (int i = 0; i < 2000; i++) {
        long bit = (long)(rng() % 1024);
        unsigned char set, reset, flipped;
        __asm__ volatile("lock btsq %[bit], %[map]\n\tsetc %[out]" : [map] "+m"(map), [out] "=q"(set) : [bit] "r"(bit) : "cc", "memory");
        __asm__ volatile("lock btrq %[bit], %[map]\n\tsetc %[out]" : [map] "+m"(map), [out] "=q"(reset) : [bit] "r"((bit * 7) % 1024) : "cc", "memory");
        __asm__ volatile("lock btcl $5, 8(%[map])\n\tsetc %[out]" : [out] "=q"(flipped) : [map] "r"(map) : "cc", "memory");
        h = h * 31 + set + reset * 2 + flipped * 4;
    }
    return hash(h, map, sizeof map);
}

static uint64_t wide(void)
{
    static _Alignas(16) uint64_t pair[2] = {1, 2};
    uint64_t h = 1;
    for (uint64_t i = 0; i < 500; i++) {
        uint64_t low = pair[0] + (i % 3 == 0), high = pair[1];
        unsigned char done;
        __asm__ volatile("lock cmpxchg16b %[p]\n\tsetz %[done]"
                         : [p] "+m"(*(unsigned __int128 *)pair), "+a"(low), "+d"(high), [done] "=q"(done)
                         : "b"(low * 3 + 1), "c"(high ^ i)
                         : "cc", "memory");
        h = hash(hash(h * 2 + done, &low, 8), pair, 16);
    }
    return h;
}

int main(void)
{
    printf("8 %016llx\n", (unsigned long long)bytes());
    printf("16 %016llx\n", (unsigned long long)words());
    printf("32 %016llx\n", (unsigned long long)ints());
    printf("64 %016llx\n", (unsigned long long)longs());
    printf("bits %016llx\n", (unsigned long long)bits_by_lock());
    printf("128 %016llx\n", (unsigned long long)wide());
    atomic_flag flag = ATOMIC_FLAG_INIT;
    bool was = atomic_flag_test_and_set(&flag), is = atomic_flag_test_and_set(&flag);
    atomic_flag_clear(&flag);
    __sync_synchronize();
    printf("flag %d %d %d\n", was, is, atomic_flag_test_and_set(&flag));
    return 13;
}
