/* Huffman coding: a heap of linked trees, canonical codes, a bit writer and a table decoder. */
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Node {
    struct Node *left, *right;
    long weight;
    int symbol, order;
} Node;

enum { SIZE = 50000 };
static unsigned char in[SIZE], out[SIZE * 3], back[SIZE];
static int lengths[256];
static uint32_t codes[256];

static Node *heap[512];
static int count;

static int lighter(const Node *a, const Node *b) { return a->weight < b->weight || (a->weight == b->weight && a->order < b->order); }

static void push(Node *x)
{
    int i = count++;
    for (; i > 0 && lighter(x, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

static Node *pop(void)
{
    Node *top = heap[0], *x = heap[--count];
    int i = 0;
    for (int child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && lighter(heap[child + 1], heap[child]))
            child++;
        if (!lighter(heap[child], x))
            break;
        heap[i] = heap[child];
    }
    heap[i] = x;
    return top;
}

static Node *node(long weight, int symbol, int order, Node *left, Node *right)
{
    Node *n = malloc(sizeof *n);
    *n = (Node){left, right, weight, symbol, order};
    return n;
}

static void measure(Node *n, int depth)
{
    if (n->symbol >= 0)
        lengths[n->symbol] = depth ? depth : 1;
    else {
        measure(n->left, depth + 1);
        measure(n->right, depth + 1);
    }
    free(n);
}

static void plan(int n)
{
    long weights[256] = {0};
    int order = 0;
    memset(lengths, 0, sizeof lengths);
    for (int i = 0; i < n; i++)
        weights[in[i]]++;
    for (int s = 0; s < 256; s++)
        if (weights[s])
            push(node(weights[s], s, order++, NULL, NULL));
    while (count > 1) {
        Node *a = pop(), *b = pop();
        push(node(a->weight + b->weight, -1, order++, a, b));
    }
    measure(pop(), 0);
    uint32_t code = 0;
    for (int length = 1; length < 32; length++, code <<= 1)
        for (int s = 0; s < 256; s++)
            if (lengths[s] == length)
                codes[s] = code++;
}

static long encode(int n)
{
    long bits = 0;
    memset(out, 0, sizeof out);
    for (int i = 0; i < n; i++)
        for (int b = lengths[in[i]]; b-- > 0; bits++)
            out[bits / 8] = (unsigned char)(out[bits / 8] | (codes[in[i]] >> b & 1) << (7 - bits % 8));
    return bits;
}

static int decode(long bits)
{
    int n = 0, length = 0;
    uint32_t code = 0;
    static int symbol_of[32][256], first[33], used[32];
    uint32_t start = 0;
    memset(used, 0, sizeof used);
    for (int l = 1; l < 32; l++, start <<= 1) {
        first[l] = (int)start;
        for (int s = 0; s < 256; s++)
            if (lengths[s] == l)
                symbol_of[l][used[l]++] = s, start++;
    }
    for (long i = 0; i < bits; i++) {
        code = code << 1 | (out[i / 8] >> (7 - i % 8) & 1);
        length++;
        int at = (int)code - first[length];
        if (at >= 0 && at < used[length]) {
            back[n++] = (unsigned char)symbol_of[length][at];
            code = 0;
            length = 0;
        }
    }
    return n;
}

int main(void)
{
    int wrong = 0;
    for (int kind = 0; kind < 4; kind++) {
        int n = kind == 3 ? 1000 : SIZE;
        for (int i = 0; i < n; i++) {
            uint64_t r = rng() >> 11;
            in[i] = (unsigned char)(kind == 0 ? r : kind == 1 ? __builtin_ctzll(r | 1 << 20) : kind == 2 ? "etaoin shrdlu"[(r % 13) * (r >> 8) % 13] : 'x');
        }
        plan(n);
        long bits = encode(n);
        int m = decode(bits), same = m == n && !memcmp(in, back, (size_t)n);
        int longest = 0;
        for (int s = 0; s < 256; s++)
            longest = lengths[s] > longest ? lengths[s] : longest;
        printf("kind %d: %d bytes, %ld bits, longest %d, %s %016llx\n", kind, n, bits, longest, same ? "same" : "DIFFERENT", (unsigned long long)hash(1, out, (size_t)(bits + 7) / 8));
        wrong += !same;
    }
    return wrong;
}
