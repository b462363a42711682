/* A mix like CoreMark's, written anew: list processing, integer matrices, a state machine over text, all folded into one CRC. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO __attribute__((noinline))

typedef struct Item {
    struct Item *next;
    int16_t value, index;
} Item;

enum { ITEMS = 600, SIZE = 24, TEXT = 2000, ROUNDS = 3200 };

NO static uint16_t crc(uint16_t c, uint16_t data)
{
    for (int i = 0; i < 16; i++, data >>= 1) {
        int bit = (c ^ data) & 1;
        c = (uint16_t)(c >> 1);
        if (bit)
            c ^= 0xa001;
    }
    return c;
}

static int by_value(const Item *a, const Item *b) { return a->value - b->value; }
static int by_index(const Item *a, const Item *b) { return a->index - b->index; }

/* Bottom-up merge sort of a list. */
NO static Item *sort(Item *list, int (*compare)(const Item *, const Item *))
{
    for (int run = 1;; run *= 2) {
        Item *from = list, *last = NULL;
        int merges = 0;
        list = NULL;
        while (from) {
            Item *other = from;
            int left = 0, right = run;
            merges++;
            for (; left < run && other; left++)
                other = other->next;
            while (left > 0 || (right > 0 && other)) {
                Item *take;
                if (left > 0 && (right == 0 || !other || compare(from, other) <= 0)) {
                    take = from;
                    from = from->next;
                    left--;
                } else {
                    take = other;
                    other = other->next;
                    right--;
                }
                if (last)
                    last->next = take;
                else
                    list = take;
                last = take;
            }
            from = other;
        }
        last->next = NULL;
        if (merges <= 1)
            return list;
    }
}

NO static Item *reverse(Item *list)
{
    Item *done = NULL;
    while (list) {
        Item *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

NO static uint16_t lists(Item *pool, int round, uint16_t c)
{
    Item *list = NULL;
    for (int i = 0; i < ITEMS; i++) {
        pool[i] = (Item){list, (int16_t)((i * 7919 + round * 31) & 0x3ff), (int16_t)i};
        list = &pool[i];
    }
    list = sort(list, by_value);
    int found = 0;
    for (int wanted = 0; wanted < 1024; wanted += 97) {
        Item *p = list;
        while (p && p->value != wanted)
            p = p->next;
        found += p != NULL;
    }
    list = reverse(sort(reverse(list), by_index));
    for (Item *p = list; p; p = p->next)
        c = crc(c, (uint16_t)p->value);
    return crc(c, (uint16_t)found);
}

NO static uint16_t matrices(int round, uint16_t c)
{
    static int32_t a[SIZE][SIZE], b[SIZE][SIZE], p[SIZE][SIZE];
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            a[i][j] = (i * j + round) % 97 - 48;
            b[i][j] = (i + j * 3 + round) % 89;
        }
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++) {
                int32_t sum = 0;
                for (int k = 0; k < SIZE; k++)
                    sum += a[i][k] * b[k][j] + ((a[i][k] >> 2) & b[k][j]);
                p[i][j] = sum;
                a[i][j] = (sum >> 4) % 1000;
            }
    for (int i = 0; i < SIZE; i++)
        c = crc(c, (uint16_t)p[i][(i * 5) % SIZE]);
    return c;
}

typedef enum { START, SIGN, INTEGER, FRACTION, EXPONENT, WORD, BAD, STATES } State;

NO static State step(State s, char ch)
{
    int digit = ch >= '0' && ch <= '9';
    switch (s) {
    case START: return digit ? INTEGER : ch == '-' || ch == '+' ? SIGN : ch == '.' ? FRACTION : ch >= 'a' && ch <= 'z' ? WORD : BAD;
    case SIGN: return digit ? INTEGER : ch == '.' ? FRACTION : BAD;
    case INTEGER: return digit ? INTEGER : ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : BAD;
    case FRACTION: return digit ? FRACTION : ch == 'e' ? EXPONENT : BAD;
    case EXPONENT: return digit || ch == '-' ? EXPONENT : BAD;
    case WORD: return ch >= 'a' && ch <= 'z' ? WORD : BAD;
    default: return BAD;
    }
}

NO static uint16_t states(char *text, int round, uint16_t c)
{
    static const char *const parts[] = {"5012,", "-1.25e3,", "word,", "+.5,", "12e-7,", "T0.3,", "9..8,", "abc,"};
    int n = 0;
    for (int i = round; n < TEXT - 10; i++) {
        size_t length = strlen(parts[i & 7]);
        memcpy(text + n, parts[i & 7], length);
        n += (int)length;
    }
    uint16_t counts[STATES] = {0};
    for (int flip = 0; flip < 4; flip++) {
        State s = START;
        for (int i = 0; i < n; i++) {
            if (text[i] == ',') {
                counts[s]++;
                s = START;
            } else
                s = step(s, text[i]);
        }
        for (int i = flip; i < n; i += 13)
            text[i] ^= text[i] != ',' ? 2 : 0;
    }
    for (int s = 0; s < STATES; s++)
        c = crc(c, counts[s]);
    return c;
}

int main(void)
{
    Item *pool = malloc(ITEMS * sizeof *pool);
    char *text = malloc(TEXT);
    uint16_t c = 0;
    for (int round = 0; round < ROUNDS; round++) {
        c = lists(pool, round, c);
        c = matrices(round, c);
        c = states(text, round, c);
    }
    printf("crc %04x\n", c);
    free(text);
    free(pool);
    return 0;
}
