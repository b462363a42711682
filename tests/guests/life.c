/* Conway's Life two ways (bytes and 64 cells to a word), Langton's ant, rule 110; compared and drawn. */
#include "guest.h"
#include <stdio.h>
#include <string.h>

enum { W = 64, H = 40 };
static unsigned char cells[H][W], next[H][W];
static uint64_t rows[H], after[H];

static void by_bytes(void)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int n = 0;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++)
                    n += (dx || dy) && cells[(y + dy + H) % H][(x + dx + W) % W];
            next[y][x] = n == 3 || (n == 2 && cells[y][x]);
        }
    memcpy(cells, next, sizeof cells);
}

static uint64_t left(uint64_t x) { return x << 1 | x >> 63; }
static uint64_t right(uint64_t x) { return x >> 1 | x << 63; }

static void by_words(void)
{
    for (int y = 0; y < H; y++) {
        uint64_t a = rows[(y + H - 1) % H], b = rows[y], c = rows[(y + 1) % H];
        uint64_t parts[8] = {left(a), a, right(a), left(b), right(b), left(c), c, right(c)};
        uint64_t ones = 0, twos = 0, fours = 0;
        for (int i = 0; i < 8; i++) {
            uint64_t carry = ones & parts[i];
            ones ^= parts[i];
            fours |= twos & carry;
            twos ^= carry;
        }
        after[y] = twos & ~fours & (ones | b);
    }
    memcpy(rows, after, sizeof rows);
}

static int differs(void)
{
    int d = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            d += cells[y][x] != (rows[y] >> x & 1);
    return d;
}

static void draw(void)
{
    for (int y = 0; y < H; y += 2) {
        for (int x = 0; x < W; x++)
            putchar(" '.:"[cells[y][x] + 2 * cells[y + 1][x]]);
        putchar('|');
        putchar('\n');
    }
}

static int ant(int steps)
{
    static unsigned char ground[128][128];
    int x = 64, y = 64, dx = 0, dy = -1, black = 0;
    while (steps--) {
        unsigned char *here = &ground[y & 127][x & 127];
        int turn = *here ? -1 : 1, t = dx;
        dx = -turn * dy;
        dy = turn * t;
        black += *here ? -1 : 1;
        *here ^= 1;
        x += dx;
        y += dy;
    }
    return black * 1000 + (x & 127) + (y & 127);
}

static void rule(unsigned number)
{
    uint64_t row = 1ull << 63;
    for (int i = 0; i < 8; i++) {
        uint64_t l = left(row), r = right(row), to = 0;
        for (int p = 0; p < 8; p++)
            if (number >> p & 1)
                to |= (p & 4 ? r : ~r) & (p & 2 ? row : ~row) & (p & 1 ? l : ~l);
        row = to;
    }
    printf("rule %u %016llx\n", number, (unsigned long long)row);
}

int main(void)
{
    for (int y = 0; y < H; y++) {
        rows[y] = rng() & rng();
        for (int x = 0; x < W; x++)
            cells[y][x] = rows[y] >> x & 1;
    }
    int wrong = 0, alive = 0;
    for (int turn = 1; turn <= 150; turn++) {
        by_bytes();
        by_words();
        wrong += differs();
    }
    for (int y = 0; y < H; y++)
        alive += __builtin_popcountll(rows[y]);
    draw();
    printf("alive %d wrong %d ant %d\n", alive, wrong, ant(11000));
    rule(110), rule(30), rule(90);
    return alive & 127;
}
