/* One bytecode program run by a computed-goto interpreter, a switch interpreter and a table of handlers. */
#include "guest.h"
#include <stdio.h>
#include <string.h>

enum { PUSH, ADD, SUB, MUL, DUP, SWAP, JNZ, JMP, LOAD, STORE, LESS, CALL, RET, PRINT, HALT };

typedef struct {
    long stack[64], cell[8];
    int sp, pc, returns[16], depth;
    long steps;
} Machine;

/* a % b by repeated subtraction stays inside the guest program's rules: it is what CALL does here. */
static long modulo(long a, long b)
{
    while (a >= b)
        a -= b;
    return a;
}

static const short loop[] = {PUSH, 0, STORE, 1, PUSH, 1, STORE, 2, LOAD, 0, STORE, 3,
                             /* 12 */ LOAD, 1, LOAD, 2, DUP, STORE, 1, ADD, PUSH, 9973, CALL, 0, STORE, 2,
                             /* 26 */ LOAD, 3, PUSH, 1, SUB, DUP, STORE, 3, JNZ, 12, LOAD, 2, PRINT, HALT};

static long by_goto(Machine *m, const short *code)
{
    static void *const labels[] = {&&push, &&add, &&sub, &&mul, &&dup, &&swap, &&jnz, &&jmp, &&load, &&store, &&less, &&call, &&ret, &&print, &&halt};
    const short *pc = code;
    long *sp = m->stack, a;
#define NEXT do { m->steps++; goto *labels[*pc++]; } while (0)
    NEXT;
push: *sp++ = *pc++; NEXT;
add: sp--; sp[-1] += sp[0]; NEXT;
sub: sp--; sp[-1] -= sp[0]; NEXT;
mul: sp--; sp[-1] *= sp[0]; NEXT;
dup: sp[0] = sp[-1]; sp++; NEXT;
swap: a = sp[-1]; sp[-1] = sp[-2]; sp[-2] = a; NEXT;
jnz: a = *--sp; if (a) pc = code + *pc; else pc++; NEXT;
jmp: pc = code + *pc; NEXT;
load: *sp++ = m->cell[*pc++]; NEXT;
store: m->cell[*pc++] = *--sp; NEXT;
less: sp--; sp[-1] = sp[-1] < sp[0]; NEXT;
call: pc++; sp--; sp[-1] = modulo(sp[-1], sp[0]); NEXT;
ret: NEXT;
print: printf("goto prints %ld\n", sp[-1]); NEXT;
halt: return sp[-1];
}

static long by_switch(Machine *m, const short *code)
{
    const short *pc = code;
    long *sp = m->stack, a;
    for (;;) {
        m->steps++;
        switch (*pc++) {
        case PUSH: *sp++ = *pc++; break;
        case ADD: sp--; sp[-1] += sp[0]; break;
        case SUB: sp--; sp[-1] -= sp[0]; break;
        case MUL: sp--; sp[-1] *= sp[0]; break;
        case DUP: sp[0] = sp[-1]; sp++; break;
        case SWAP: a = sp[-1]; sp[-1] = sp[-2]; sp[-2] = a; break;
        case JNZ: a = *--sp; pc = a ? code + *pc : pc + 1; break;
        case JMP: pc = code + *pc; break;
        case LOAD: *sp++ = m->cell[*pc++]; break;
        case STORE: m->cell[*pc++] = *--sp; break;
        case LESS: sp--; sp[-1] = sp[-1] < sp[0]; break;
        case CALL: pc++; sp--; sp[-1] = modulo(sp[-1], sp[0]); break;
        case RET: break;
        case PRINT: printf("switch prints %ld\n", sp[-1]); break;
        case HALT: return sp[-1];
        }
    }
}

typedef void Handler(Machine *, const short *);
#define TOP m->stack[m->sp - 1]
static void h_push(Machine *m, const short *c) { m->stack[m->sp++] = c[m->pc++]; }
static void h_add(Machine *m, const short *c) { (void)c; m->sp--; TOP += m->stack[m->sp]; }
static void h_sub(Machine *m, const short *c) { (void)c; m->sp--; TOP -= m->stack[m->sp]; }
static void h_dup(Machine *m, const short *c) { (void)c; m->stack[m->sp] = TOP; m->sp++; }
static void h_jnz(Machine *m, const short *c) { m->pc = m->stack[--m->sp] ? c[m->pc] : m->pc + 1; }
static void h_load(Machine *m, const short *c) { m->stack[m->sp++] = m->cell[c[m->pc++]]; }
static void h_store(Machine *m, const short *c) { m->cell[c[m->pc++]] = m->stack[--m->sp]; }
static void h_call(Machine *m, const short *c) { (void)c; m->pc++; m->sp--; TOP = modulo(TOP, m->stack[m->sp]); }
static void h_print(Machine *m, const short *c) { (void)c; printf("table prints %ld\n", TOP); }

static long by_table(Machine *m, const short *code)
{
    static Handler *const handlers[] = {[PUSH] = h_push, [ADD] = h_add, [SUB] = h_sub, [DUP] = h_dup, [JNZ] = h_jnz, [LOAD] = h_load,
                                        [STORE] = h_store, [CALL] = h_call, [PRINT] = h_print};
    for (m->steps = 1; code[m->pc] != HALT; m->steps++) {
        int op = code[m->pc++];
        handlers[op](m, code);
    }
    return TOP;
}

int main(void)
{
    long total = 0;
    for (int n = 10; n <= 10000; n *= 10) {
        Machine a = {.cell = {n}}, b = a, c = a;
        long x = by_goto(&a, loop), y = by_switch(&b, loop), z = by_table(&c, loop);
        printf("%d: %ld %ld %ld, steps %ld %ld %ld\n", n, x, y, z, a.steps, b.steps, c.steps);
        total += x;
    }
    return (int)(total % 100);
}
