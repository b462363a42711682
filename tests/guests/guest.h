/* Owns what every test guest shares: a deterministic random source and a running hash. */
#pragma once
#include <stddef.h>
#include <stdint.h>

static uint64_t rng_state = 88172645463325252ull;

__attribute__((unused)) static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

/* FNV-1a, so that a guest can print one number for many bytes. */
__attribute__((unused)) static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    return h;
}
