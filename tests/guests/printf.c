/* printf of all kinds: integers, floats in every format, strings, %n, positional arguments, widths, snprintf's truncation. */
#include "guest.h"
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

__attribute__((format(printf, 1, 2))) static void line(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("%3d [%s]\n", n, text);
}

static void integers(void)
{
    static const int xs[] = {0, 1, -1, 42, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof xs / sizeof *xs; i++) {
        int x = xs[i];
        line("%d|%5d|%-8d|%08d|%+d|% d|%.3d|%10.4d|%*d|%-*d", x, x, x, x, x, x, x, x, 7, x, 6, x);
        line("%u|%x|%X|%#x|%o|%#o|%#10x|%-#12X|%hhd|%hd|%hhu", (unsigned)x, (unsigned)x, (unsigned)x, (unsigned)x, (unsigned)x,
             (unsigned)x, (unsigned)x, (unsigned)x, (signed char)x, (short)x, (unsigned char)x);
    }
    line("%lld %llu %ld %zu %td %jd %" PRIx64, LLONG_MIN, ULLONG_MAX, LONG_MAX, sizeof(int), (ptrdiff_t)-5, (intmax_t)77, UINT64_C(0xfeedfacecafebeef));
    line("%c%c%c|%5c|%-3c|%%", 'a', 'b', 'c', 'd', 'e');
}

static void floats(void)
{
    static const double xs[] = {0.0, -0.0, 1.0, -1.5, 3.14159265358979, 1e10, 1e-10, 1.7976931348623157e308, 4.9406564584124654e-324,
                                123456789.125, 0.5, 2.5, 999998.5, 1e15, 0.1};
    for (size_t i = 0; i < sizeof xs / sizeof *xs; i++) {
        double x = xs[i];
        line("%.3f|%e|%g|%E|%G|%.0e|%.10g|%#g|%+.2e", fabs(x) > 1e100 ? 1.0 : x, x, x, x, x, x, x, x, x);
        line("%10.2e|%-15g|%015.3e|%.17g|%.20e", x, x, x, x, x);
        line("%Lg|%.15Le|%.4Lf", (long double)x / 3, (long double)x / 7, fabs(x) > 1e100 ? 2.0L : (long double)x);
    }
    line("%f %F %e %g %10f|%-10f|%+f", INFINITY, -INFINITY, INFINITY, -INFINITY, INFINITY, INFINITY, INFINITY);
    line("%f|%.0f %.0f %.0f %.0f %.1f", 1e22, 0.5, 1.5, 2.5, 3.5, 0.25);
    line("%.60f", 0.1);
    line("%f", 1.7976931348623157e308);
    line("%a %a %a %.2a %A %a", 1.0, 0.5, -3.75, 1.999, 255.5, 0.0);
}

static void others(void)
{
    int a = -1, b = -1;
    long c = -1;
    printf("count%n this%n and %ld that%ln\n", &a, &b, 5L, &c);
    line("%d %d %ld", a, b, c);
    line("%s|%10s|%-10s|%.3s|%*.*s|%s", "text", "right", "left", "truncated", 8, 2, "xyz", "");
    line("%2$s %1$d %2$s %3$*4$d", 5, "again", 9, 6);
    line("%ls|%lc", L"wide", (wint_t)L'w');
    char small[8];
    int n = snprintf(small, sizeof small, "%s-%d", "long text", 12345);
    printf("snprintf %d [%s] %d\n", n, small, snprintf(NULL, 0, "%0500d", 1));
    memset(small, 'x', sizeof small);
    n = snprintf(small, 1, "%d", 77);
    printf("snprintf %d [%s] %c\n", n, small, small[1]);
    fprintf(stderr, "to stderr: %s\n", "unbuffered");
    fputs("no newline at the end", stdout);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    integers();
    floats();
    others();
    return 0;
}
