/* Passing and returning structures of every class of the ABI, varargs of all kinds, many arguments. */
#include "guest.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct { char c; } S1;
typedef struct { short a; char b; } S4;
typedef struct { int a; float b; } S8;
typedef struct { float x, y, z; } V3;
typedef struct { double re, im; } Complex;
typedef struct { long a; double b; } Mixed;
typedef struct { long a, b, c; } Large;
typedef struct { long double v; } Wide;
typedef struct { unsigned a : 3, b : 7, c : 22; long d : 40; signed e : 5; } Bits;
typedef union { uint64_t u; double d; unsigned char b[8]; } Any;
typedef struct { char name[13]; int tail; } __attribute__((packed)) Packed;

#define NO __attribute__((noinline))

NO static S1 s1(S1 a) { a.c++; return a; }
NO static S4 s4(S4 a, S4 b) { return (S4){(short)(a.a + b.a), (char)(a.b ^ b.b)}; }
NO static S8 s8(S8 a, int n) { return (S8){a.a * n, a.b / (float)n}; }
NO static V3 cross(V3 a, V3 b) { return (V3){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
NO static Complex mul(Complex a, Complex b) { return (Complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
NO static Mixed mixed(Mixed m, double d, long l) { return (Mixed){m.a - l, m.b + d}; }
NO static Large large(int x, Large l, Large *p) { p->a += l.b; return (Large){l.c + x, l.a * x, l.b - x}; }
NO static Wide wide(Wide w, long double by) { return (Wide){w.v * by + 1}; }
NO static Bits bits(Bits b) { b.a++; b.b += 100; b.c ^= 0x3fffff; b.d = -b.d; b.e--; return b; }
NO static Any any(Any a) { a.b[3] ^= 0xff; return a; }
NO static Packed packed(Packed p) { p.tail = ~p.tail; p.name[0] = 'P'; return p; }
NO static _Complex double complex_square(_Complex double z) { return z * z; }

NO static double many(int a, double b, long c, float d, char e, short f, unsigned g, long long h, int i, double j, double k, double l,
                      double m, double n, double o, double p, double q, int r, S8 s, Large t)
{
    return a + 2 * b + 3 * (double)c + 4 * (double)d + 5 * e + 6 * f + 7 * g + 8 * (double)h + 9 * i + 10 * j + 11 * k + 12 * l + 13 * m +
           14 * n + 15 * o + 16 * p + 17 * q + 18 * r + 19 * s.a + 20 * (double)s.b + 21 * (double)t.c;
}

NO static double sum(const char *kinds, ...)
{
    va_list args, again;
    va_start(args, kinds);
    va_copy(again, args);
    double total = 0;
    for (int pass = 0; pass < 2; pass++)
        for (const char *k = kinds; *k; k++) {
            va_list *from = pass ? &again : &args;
            switch (*k) {
            case 'i': total += va_arg(*from, int); break;
            case 'l': total += (double)va_arg(*from, long) * 2; break;
            case 'd': total += va_arg(*from, double) * 3; break;
            case 'L': total += (double)va_arg(*from, long double) * 5; break;
            case 'p': total += *va_arg(*from, int *); break;
            case 'c': { Complex c = va_arg(*from, Complex); total += c.re * 7 + c.im; break; }
            case 'm': { Mixed m = va_arg(*from, Mixed); total += (double)m.a + m.b * 11; break; }
            case 'g': { Large g = va_arg(*from, Large); total += (double)(g.a + g.b * 13 + g.c); break; }
            }
        }
    va_end(args);
    va_end(again);
    return total;
}

int main(void)
{
    S4 four = s4((S4){30000, 5}, (S4){10000, 9});
    S8 eight = s8((S8){6, 7.5f}, 4);
    V3 v = cross((V3){1, 2, 3}, (V3){4, 5, 6.5f});
    Complex c = mul((Complex){1, 2}, (Complex){3, -1});
    Mixed m = mixed((Mixed){100, 0.5}, 2.25, 58);
    Large into = {1, 2, 3}, l = large(5, (Large){7, 8, 9}, &into);
    Wide w = wide((Wide){1.25L}, 3.0L);
    Bits b = bits((Bits){7, 60, 12345, 5000000000, -16});
    Any a = any((Any){.d = 1.5});
    Packed p = packed((Packed){"packed name", 77});
    _Complex double z = complex_square(2.0 + 3.0i);
    printf("%d %d %d %d %g\n", s1((S1){'a'}).c, four.a, four.b, eight.a, (double)eight.b);
    printf("%g %g %g  %g %g  %ld %g\n", (double)v.x, (double)v.y, (double)v.z, c.re, c.im, m.a, m.b);
    printf("%ld %ld %ld %ld  %Lg\n", l.a, l.b, l.c, into.a, w.v);
    printf("%u %u %u %ld %d\n", b.a, b.b, b.c, (long)b.d, b.e);
    printf("%016llx %s %d %zu %g %g\n", (unsigned long long)a.u, p.name, p.tail, sizeof p, __real__ z, __imag__ z);
    printf("%g\n", many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, (S8){19, 20}, (Large){0, 0, 21}));
    int n = 17;
    printf("%g\n", sum("iiiiiiildddddddddLpcmgiLcmg", 1, 2, 3, 4, 5, 6, 7, 8L, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0L, &n, c, m, l, -1,
                       0.5L, c, m, l));
    printf("%g %g\n", sum("d", 0.1), sum("dcdcdcdcdc", 1.0, c, 2.0, c, 3.0, c, 4.0, c, 5.0, c));
    return 11;
}
