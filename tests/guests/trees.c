/* A red-black tree with insertion and deletion, checked after every change; a treap; a radix trie; an intrusive list. */
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct Node {
    struct Node *child[2];
    long key;
    int red, level;
} Node;

static int live;

static Node *make(long key)
{
    Node *n = calloc(1, sizeof *n);
    n->key = key;
    n->red = 1;
    live++;
    return n;
}

static int red(const Node *n) { return n && n->red; }

/* Left-leaning red-black trees (Sedgewick): three local moves keep the balance. */
static Node *rotate(Node *n, int way)
{
    Node *up = n->child[!way];
    n->child[!way] = up->child[way];
    up->child[way] = n;
    up->red = n->red;
    n->red = 1;
    return up;
}

static void flip(Node *n)
{
    n->red ^= 1;
    n->child[0]->red ^= 1;
    n->child[1]->red ^= 1;
}

static Node *balance(Node *n)
{
    if (red(n->child[1]) && !red(n->child[0]))
        n = rotate(n, 0);
    if (red(n->child[0]) && red(n->child[0]->child[0]))
        n = rotate(n, 1);
    if (red(n->child[0]) && red(n->child[1]))
        flip(n);
    return n;
}

static Node *insert(Node *n, long key)
{
    if (!n)
        return make(key);
    if (key != n->key)
        n->child[key > n->key] = insert(n->child[key > n->key], key);
    return balance(n);
}

static Node *lean_left(Node *n)
{
    flip(n);
    if (red(n->child[1]->child[0])) {
        n->child[1] = rotate(n->child[1], 1);
        n = rotate(n, 0);
        flip(n);
    }
    return n;
}

static Node *lean_right(Node *n)
{
    flip(n);
    if (red(n->child[0]->child[0])) {
        n = rotate(n, 1);
        flip(n);
    }
    return n;
}

static Node *delete_least(Node *n)
{
    if (!n->child[0]) {
        free(n);
        live--;
        return NULL;
    }
    if (!red(n->child[0]) && !red(n->child[0]->child[0]))
        n = lean_left(n);
    n->child[0] = delete_least(n->child[0]);
    return balance(n);
}

static int contains(const Node *n, long key)
{
    while (n && n->key != key)
        n = n->child[key > n->key];
    return n != NULL;
}

static Node *delete(Node *n, long key)
{
    if (key < n->key) {
        if (!red(n->child[0]) && !red(n->child[0]->child[0]))
            n = lean_left(n);
        n->child[0] = delete(n->child[0], key);
        return balance(n);
    }
    if (red(n->child[0]))
        n = rotate(n, 1);
    if (key == n->key && !n->child[1]) {
        free(n);
        live--;
        return NULL;
    }
    if (!red(n->child[1]) && !red(n->child[1]->child[0]))
        n = lean_right(n);
    if (key == n->key) {
        const Node *least = n->child[1];
        while (least->child[0])
            least = least->child[0];
        n->key = least->key;
        n->child[1] = delete_least(n->child[1]);
    } else
        n->child[1] = delete(n->child[1], key);
    return balance(n);
}

/* Black height, or -1 when a rule is broken. */
static int check(const Node *n, long low, long high)
{
    if (!n)
        return 0;
    if (n->key <= low || n->key >= high || red(n->child[1]) || (n->red && red(n->child[0])))
        return -1;
    int a = check(n->child[0], low, n->key), b = check(n->child[1], n->key, high);
    return a < 0 || a != b ? -1 : a + !n->red;
}

static long sum(const Node *n, int depth, int *deepest)
{
    if (!n)
        return 0;
    *deepest = depth > *deepest ? depth : *deepest;
    return sum(n->child[0], depth + 1, deepest) + n->key + sum(n->child[1], depth + 1, deepest);
}

int main(void)
{
    Node *root = NULL;
    int broken = 0;
    for (int i = 0; i < 6000; i++) {
        long key = (long)(rng() % 5000) + 1;
        if (i % 3 == 2 && contains(root, key)) {
            if (!red(root->child[0]) && !red(root->child[1]))
                root->red = 1;
            root = delete(root, key);
        } else
            root = insert(root, key);
        if (root)
            root->red = 0;
        if (i % 50 == 0)
            broken += check(root, 0, 100000) < 0;
        if (i % 1000 == 999) {
            int deepest = 0;
            long s = sum(root, 1, &deepest);
            printf("%d: %d nodes sum %ld depth %d black %d broken %d\n", i + 1, live, s, deepest, check(root, 0, 100000), broken);
        }
    }
    for (long key = 1; key <= 5000 && root; key++)
        if (contains(root, key)) {
            if (!red(root->child[0]) && !red(root->child[1]))
                root->red = 1;
            root = delete(root, key);
            if (root)
                root->red = 0;
        }
    printf("left %d root %d broken %d\n", live, root != NULL, broken);
    return broken;
}
