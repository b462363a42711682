/* Text to numbers: strtol family, strtod, strtof, strtold, sscanf in many forms. */
#include "guest.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static uint32_t bits_f(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static void reals(void)
{
    static const char *const texts[] = {"0", "-0", "1", "1.5", "0.1", ".5", "5.", "1e10", "1e-10", "123456789012345678901234567890", "1e308", "1e309",
        "-1e400", "4.9e-324", "2e-324", "2.2250738585072014e-308", "2.2250738585072011e-308", "1.7976931348623158e308", "0x1.8p3", "0x.1p-4",
        "inf", "-infinity", "1e", "1e+", "  \t42xyz", "abc", "", "9007199254740993", "0.30000000000000004", "1.00000000000000011102230246251565",
        "8.5e22", "179769313486231580793728971405301e276", "3.4028236e38", "1.4e-45", "7e-46"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *end, *end_f, *end_l;
        errno = 0;
        double d = strtod(texts[i], &end);
        int range = errno == ERANGE && (d == 0 || d - d != 0); /* libraries differ about subnormals */
        float f = strtof(texts[i], &end_f);
        long double l = strtold(texts[i], &end_l);
        unsigned char raw[16] = {0};
        memcpy(raw, &l, 10);
        printf("%-42s %016" PRIx64 " %08" PRIx32 " %02x%02x %02x%02x%02x%02x %d %d %d %d\n", texts[i], bits(d), bits_f(f), raw[9], raw[8], raw[7], raw[6],
               raw[1], raw[0], (int)(end - texts[i]), (int)(end_f - texts[i]), (int)(end_l - texts[i]), range);
    }
}

static void integers(void)
{
    static const char *const texts[] = {"0", "123", "-77", "0x1f", "017", "99999999999999999999", "-99999999999999999999", " +5 rest", "zz", "7fffffffffffffff", "0b1", "12ab"};
    static const int bases[] = {0, 10, 16, 8, 36, 2};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t j = 0; j < 5; j++) {
            char *end;
            errno = 0;
            long v = strtol(texts[i], &end, bases[j]);
            unsigned long long u = strtoull(texts[i], NULL, bases[j]);
            printf("%s base %d: %ld %llu at %d errno %d\n", texts[i], bases[j], v, u, (int)(end - texts[i]), errno == ERANGE);
        }
}

static void scans(void)
{
    int a = 0, b = 0, c = 0, n = 0;
    unsigned x = 0;
    long long ll = 0;
    double d = 0;
    float f = 0;
    long double ld = 0;
    char word[20] = "", set[20] = "", ch[4] = "";
    printf("%d: ", sscanf("12 -34 0x56 777 hello", "%d %i %i %o %19s", &a, &b, &c, &x, word));
    printf("%d %d %d %u %s\n", a, b, c, x, word);
    printf("%d: ", sscanf("3.25e2 1.5 -7.125 abc123", "%lf %f %Lf %19[a-z]%n", &d, &f, &ld, set, &n));
    printf("%g %g %Lg %s %d\n", d, (double)f, ld, set, n);
    printf("%d: ", sscanf("xyzabc:9223372036854775807;", "%3c%*[^:]:%lld;", ch, &ll));
    printf("%.3s %lld\n", ch, ll);
    printf("%d ", sscanf("ff 12345678", "%x %3d%d", &x, &a, &b));
    printf("%u %d %d\n", x, a, b);
    printf("%d %d\n", sscanf("", "%d", &a), sscanf("q", "%d", &a));
    printf("%d %d\n", atoi("  -17x"), (int)(atof("2.75") * 100));
}

int main(void)
{
    reals();
    integers();
    scans();
    div_t q = div(-17, 5);
    printf("%d %d\n", q.quot, q.rem);
    return 7;
}
